import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

export const LedgerKind = z.enum([
  'model.applied',
  'model.archived',
  'model.restored',
  'environment.configured',
  'dataset.committed',
  'dataset.refused',
  'code.committed',
  'build.started',
  'version.trained',
  'version.evaluated',
  'version.expired',
  'release.made',
  'approval.requested',
  'approval.voted',
  'approval.reminded',
  'approval.decided',
  'generation.raised',
  'deployment.ended',
  'rollback.ordered',
  'heads.moved',
  'promotion.held',
  'promotion.resumed',
  'report.made',
  'finding.opened',
  'finding.closed',
  'predictions.expired',
  'labels.corrected',
  'trigger.recorded',
  'trigger.dropped',
  'run.cancelled',
  'rehearsal.started',
  'rehearsal.ended',
  'schedule.set',
  'schedule.removed',
  'command.refused',
]);
export type LedgerKind = z.infer<typeof LedgerKind>;

/** An append-only entry. `sequence` is gapless within a model; `previous` is the digest of the entry before. */
export const LedgerEntry = z.object({
  modelId: Id,
  sequence: z.number().int().min(1),
  kind: LedgerKind,
  environment: z.string().nullable(),
  subject: z.record(z.string(), z.unknown()),
  reason: z.string(),
  digest: Sha256,
  previous: Sha256.nullable(),
  recordedAt: Instant,
  effectiveAt: Instant,
  recordedBy: Id,
});
export type LedgerEntry = z.infer<typeof LedgerEntry>;
