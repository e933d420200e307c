import { z } from 'zod';
import { ApprovalPolicy } from './environment.ts';
import { EvaluationBody } from './evaluation.ts';
import { Id, Instant, Name, Sha256 } from './identifiers.ts';

/** What a vote is about; its digest is what the voter names. */
export const ApprovalSubject = z.object({
  schemaVersion: z.literal(1),
  release: Sha256,
  environment: Name,
  strategy: z.object({ canary: z.array(z.number()), bake: z.string(), minRequests: z.number() }).loose(),
  policy: ApprovalPolicy,
  /** The release to be replaced; null for the first. */
  champion: Sha256.nullable(),
});
export type ApprovalSubject = z.infer<typeof ApprovalSubject>;

export const Vote = z.object({
  id: Id,
  approvalId: Id,
  principalId: Id,
  principalName: z.string(),
  decision: z.enum(['approve', 'reject']),
  digest: Sha256,
  comment: z.string(),
  recordedAt: Instant,
  effectiveAt: Instant,
});
export type Vote = z.infer<typeof Vote>;

export const ApprovalStatus = z.enum(['pending', 'approved', 'rejected', 'expired', 'superseded']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

export const Approval = z.object({
  id: Id,
  modelId: Id,
  project: Name,
  model: Name,
  environment: Name,
  runId: Id,
  digest: Sha256,
  subject: ApprovalSubject,
  /** Enough to decide by: the evaluation with gates, interval and slices, and what would be replaced. */
  evidence: z.object({
    schemaVersion: z.literal(1),
    modelVersion: z.number().int(),
    championVersion: z.number().int().nullable(),
    dataset: z.number().int(),
    code: z.number().int(),
    evaluation: EvaluationBody,
    rollbackTarget: Sha256.nullable(),
  }),
  status: ApprovalStatus,
  requestedBy: Id,
  expiresAt: Instant,
  votes: z.array(Vote),
  recordedAt: Instant,
  effectiveAt: Instant,
  decidedAt: Instant.nullable(),
});
export type Approval = z.infer<typeof Approval>;
