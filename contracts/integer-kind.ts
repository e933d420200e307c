import { z } from 'zod';
import { integerKinds } from './integer-range.ts';

export const IntegerKind = z.enum(integerKinds);
