import { z } from 'zod';

/** What `perennial doctor` looks at, in the order in which it does. */
export const doctorChecks = ['ledger', 'serving', 'bytes', 'commands', 'schedules', 'scratch'] as const;

/** One thing that is wrong. */
export const Problem = z.object({
  check: z.enum(doctorChecks),
  /** What it is wrong with: a model, a blob, a schedule, a folder. */
  subject: z.string(),
  what: z.string(),
  /** `mended` by this request; else it is there still. */
  state: z.enum(['found', 'mended']),
  /** What a person can do, where nothing was mended. */
  wayOut: z.string(),
});
export type Problem = z.infer<typeof Problem>;

/** Some of what was looked at; the whole examination is all pages. */
export const DiagnosisPage = z.object({
  check: z.enum(doctorChecks),
  /** How many models, blobs, schedules or folders were looked at for this page. */
  examined: z.number().int(),
  items: z.array(Problem).readonly(),
  next: z.string().optional(),
});
export type DiagnosisPage = z.infer<typeof DiagnosisPage>;
