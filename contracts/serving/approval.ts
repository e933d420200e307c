import { z } from 'zod';
import { ApprovalPolicy } from './environment.ts';
import { EvaluationBody } from '../models/evaluation.ts';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';

/** The subject of a vote. A vote names the digest of this subject. */
export const ApprovalSubject = z.object({
  schemaVersion: z.literal(1),
  release: Sha256,
  environment: Name,
  strategy: z.object({ canary: z.array(z.number()), bake: z.string(), minRequests: z.number() }).loose(),
  policy: ApprovalPolicy,
  /** The release to be replaced; null if the environment has no champion yet. */
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

/** The kinds of warnings that voters should read before the numbers, in display order. */
export const warningCodes = [
  'data-moved',
  'rolled-back',
  'finding',
  'few-rows',
  'refit',
  'no-canary',
  'stricter-policy',
] as const;

export const ApprovalWarning = z.object({
  code: z.enum(warningCodes),
  message: z.string(),
  /** The feature that the warning is about. */
  column: z.string().optional(),
});
export type ApprovalWarning = z.infer<typeof ApprovalWarning>;

export const ApprovalStatus = z.enum(['pending', 'approved', 'rejected', 'expired', 'superseded']);
export type ApprovalStatus = z.infer<typeof ApprovalStatus>;

export const Approval = z.object({
  id: Id,
  modelId: Id,
  project: Name,
  model: Name,
  environment: Name,
  runId: Id,
  /**
   * The run's earlier request, which this one replaces because the champion has changed; null for the run's first
   * request.
   */
  replaces: Id.nullable(),
  digest: Sha256,
  subject: ApprovalSubject,
  /** Empty in requests from older versions. */
  warnings: z.array(ApprovalWarning),
  /**
   * The information that voters need to decide: the evaluation with gates, interval and slices, and what would be
   * replaced.
   */
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
  /** Votes on the run's replaced requests. They concerned another champion, so they do not count for this request. */
  earlierVotes: z.array(Vote),
  recordedAt: Instant,
  effectiveAt: Instant,
  decidedAt: Instant.nullable(),
});
export type Approval = z.infer<typeof Approval>;
