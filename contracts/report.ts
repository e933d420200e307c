import { z } from 'zod';
import { Id, Instant, Name, Sha256 } from './identifiers.ts';
import { Metrics } from './metrics.ts';

export const DriftTest = z.enum(['psi', 'ks', 'chi2']);

export const DriftResult = z.object({
  column: z.string(),
  subject: z.enum(['feature', 'prediction', 'target']),
  test: DriftTest,
  statistic: z.number(),
  pValue: z.number().nullable(),
  threshold: z.number(),
  drifted: z.boolean(),
  /** Excluded columns are reported and decide nothing. */
  excluded: z.boolean(),
  referenceRows: z.number().int(),
  currentRows: z.number().int(),
});
export type DriftResult = z.infer<typeof DriftResult>;

export const ReportBody = z.object({
  schemaVersion: z.literal(1),
  model: Name,
  environment: Name,
  from: Instant,
  to: Instant,
  reference: z.enum(['training']),
  /** Logged predictions in the window, replayed ones aside. */
  predictions: z.number().int(),
  labelled: z.number().int(),
  dropped: z.number().int(),
  /** Fewer than monitor.minRows: reported, decides nothing. */
  sufficient: z.boolean(),
  releases: z.array(z.object({ release: Sha256, modelVersion: z.number().int(), predictions: z.number().int() })),
  drift: z.array(DriftResult),
  performance: Metrics.nullable(),
  findings: z.array(
    z.object({
      id: Id,
      kind: z.enum(['drift', 'performance']),
      subject: z.string(),
      state: z.enum(['opened', 'open', 'closed']),
      value: z.number(),
      threshold: z.number(),
      since: Instant,
    }),
  ),
  triggers: z.array(z.enum(['drift', 'performance'])),
});
export type ReportBody = z.infer<typeof ReportBody>;

export const Report = z.object({
  id: Id,
  modelId: Id,
  environment: Name,
  digest: Sha256,
  body: ReportBody,
  runId: Id,
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type Report = z.infer<typeof Report>;

/** Opens once per {kind, subject, champion}; closes when a sufficient window is clear of it. */
export const Finding = z.object({
  id: Id,
  modelId: Id,
  environment: Name,
  kind: z.enum(['drift', 'performance']),
  subject: z.string(),
  championReleaseId: Id,
  value: z.number(),
  threshold: z.number(),
  openedBy: Id,
  openedAt: Instant,
  closedBy: Id.nullable(),
  closedAt: Instant.nullable(),
});
export type Finding = z.infer<typeof Finding>;
