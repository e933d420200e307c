import { z } from 'zod';

export const ByteSize = z
  .string()
  .regex(/^\d+(KiB|MiB|GiB)$/, 'expected a size such as 512MiB or 2GiB')
  .meta({ title: 'size' });
