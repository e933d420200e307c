import { z } from 'zod';

/** The checks of `perennial doctor`, in the order in which they run. */
export const doctorChecks = ['ledger', 'serving', 'bytes', 'commands', 'schedules', 'scratch'] as const;

/** One problem that `perennial doctor` found. */
export const Problem = z.object({
  check: z.enum(doctorChecks),
  /** The affected thing: a model, a blob, a schedule or a folder. */
  subject: z.string(),
  what: z.string(),
  /** `mended`: this request solved the problem. `found`: the problem persists. */
  state: z.enum(['found', 'mended']),
  /** What a person can do about a problem that was not mended. */
  wayOut: z.string(),
});
export type Problem = z.infer<typeof Problem>;

/** One page of an examination. An examination is complete when all pages have been read. */
export const DiagnosisPage = z.object({
  check: z.enum(doctorChecks),
  /** Number of models, blobs, schedules or folders examined for this page. */
  examined: z.number().int(),
  items: z.array(Problem).readonly(),
  next: z.string().optional(),
});
export type DiagnosisPage = z.infer<typeof DiagnosisPage>;
