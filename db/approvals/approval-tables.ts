import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { index, jsonb, pgTable, text, unique, uniqueIndex, uuid } from '../connection/orm.ts';
import type { Approval, ApprovalSubject, ApprovalWarning } from '../../contracts/serving/approval.ts';
import type { EvidenceDetails } from '../../contracts/serving/approval-evidence.ts';
import { principals } from '../principals/principal-tables.ts';

export const approvals = pgTable(
  'approvals',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    runId: uuid('run_id').notNull(),
    /** The run's earlier request, replaced by this one because the champion changed. */
    replaces: uuid('replaces'),
    digest: text('digest').notNull(),
    subject: jsonb('subject').$type<ApprovalSubject>().notNull(),
    evidence: jsonb('evidence').$type<Approval['evidence']>().notNull(),
    warnings: jsonb('warnings').$type<ApprovalWarning[]>().notNull().default([]),
    /** Additional evidence, left out of lists because it is long. Null for requests made before this column existed. */
    details: jsonb('details').$type<EvidenceDetails>(),
    status: text('status', { enum: ['pending', 'approved', 'rejected', 'expired', 'superseded'] }).notNull(),
    requestedBy: uuid('requested_by')
      .notNull()
      .references(() => principals.id),
    expiresAt: instantColumn('expires_at').notNull(),
    decidedAt: instantColumn('decided_at'),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
  },
  (t) => [
    unique('approvals_run_replaces').on(t.runId, t.replaces).nullsNotDistinct(),
    index('approvals_pending').on(t.modelId, t.environment, t.status),
  ],
);

export const votes = pgTable(
  'votes',
  {
    id: idColumn(),
    approvalId: uuid('approval_id')
      .notNull()
      .references(() => approvals.id),
    principalId: uuid('principal_id')
      .notNull()
      .references(() => principals.id),
    decision: text('decision', { enum: ['approve', 'reject'] }).notNull(),
    digest: text('digest').notNull(),
    comment: text('comment').notNull(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
  },
  (t) => [uniqueIndex('votes_once').on(t.approvalId, t.principalId)],
);
