import { z } from 'zod';
import { integerKinds } from './integer-range.ts';

export const IntegerKindSchema = z.enum(integerKinds);
