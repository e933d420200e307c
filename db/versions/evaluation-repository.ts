import { and, desc, eq, inArray, isNull, ne } from '../connection/orm.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { EvaluationRepository } from '../../ports/repositories/evaluation-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { proveRun } from '../runs/prove-run.ts';
import { evaluations, modelVersions } from './version-tables.ts';
import { models } from '../models/model-tables.ts';
import { possessBlobs } from '../blobs/possess-blobs.ts';
import { storableJson } from '../connection/storable.ts';
import { visibleRows } from '../principals/visibility.ts';
import { inScope } from '../connection/in-scope.ts';

type Commit = Parameters<EvaluationRepository['commit']>;

function toEvaluation(row: typeof evaluations.$inferSelect): Evaluation {
  return { ...row, recordedAt: toInstant(row.recordedAt), effectiveAt: toInstant(row.effectiveAt) };
}

export function createEvaluationRepository(context: RepositoryContext): EvaluationRepository {
  const { db } = context;
  return {
    commit: (scope, evaluation, run) => transact(db, (tx) => commit(context, tx, scope, evaluation, run)),
    get: (id) =>
      query(db, async () => {
        const [row] = await db.select().from(evaluations).where(eq(evaluations.id, id));
        return toEvaluation(found(row, `there is no evaluation ${id}`, { evaluationId: id }));
      }),
    ofRun: (runId) =>
      query(db, async () => {
        const made = eq(evaluations.runId, runId);
        return (await db.select().from(evaluations).where(made).orderBy(desc(evaluations.id))).map(toEvaluation);
      }),
    ofVersion: (viewer, modelVersionId) =>
      query(db, async () => {
        const rows = await db
          .select({ evaluation: evaluations })
          .from(evaluations)
          .innerJoin(models, eq(models.id, evaluations.modelId))
          .where(and(visibleRows(viewer, evaluations.environment), eq(evaluations.modelVersionId, modelVersionId)))
          .orderBy(desc(evaluations.id));
        return rows.map(({ evaluation }) => toEvaluation(evaluation));
      }),
    latest: (scope, modelVersionId) =>
      query(db, async () => {
        const here = and(eq(evaluations.modelVersionId, modelVersionId), inScope(evaluations, scope));
        const [row] = await db.select().from(evaluations).where(here).orderBy(desc(evaluations.id)).limit(1);
        return row === undefined ? undefined : toEvaluation(row);
      }),
  };
}

async function commit(
  context: RepositoryContext,
  tx: Transaction,
  scope: Commit[0],
  evaluation: Commit[1],
  { runId, by }: Commit[2],
): Promise<Evaluation> {
  const { modelId, environment } = scope;
  await proveRun(tx, scope, runId, 'build', 'deploy');
  await mustBeVersionsOf(tx, modelId, [evaluation.modelVersionId, evaluation.championVersionId]);
  const effectiveAt = await environmentNow(context, tx, scope);
  const { modelVersionId, championVersionId, digest } = evaluation;
  await possessBlobs(tx, scope.project, [evaluation.body.holdout, evaluation.body.importance], by);
  const [made] = await tx
    .insert(evaluations)
    .values({
      id: context.ids.next(),
      modelId,
      environment,
      modelVersionId,
      championVersionId,
      digest,
      body: storableJson(evaluation.body),
      runId,
      effectiveAt: toDate(effectiveAt),
      recordedBy: by,
    })
    .onConflictDoNothing({ target: [evaluations.runId, evaluations.modelVersionId, evaluations.championVersionId] })
    .returning();
  if (made === undefined) {
    const { championVersionId: against } = evaluations;
    const [first] = await tx
      .select()
      .from(evaluations)
      .where(
        and(
          eq(evaluations.runId, runId),
          eq(evaluations.modelVersionId, modelVersionId),
          championVersionId === null ? isNull(against) : eq(against, championVersionId),
        ),
      );
    return toEvaluation(written(first));
  }
  const { verdict, reasons, gain } = evaluation.body;
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'version.evaluated',
    subject: { runId, evaluationId: made.id, digest, modelVersionId, championVersionId, verdict, gain, reasons },
    reason: reasons.join('; ') || verdict,
    effectiveAt,
    by,
  });
  return toEvaluation(made);
}

async function mustBeVersionsOf(tx: Transaction, modelId: Id, ids: readonly (Id | null)[]): Promise<void> {
  const named = ids.filter((id) => id !== null);
  const elsewhere = and(inArray(modelVersions.id, named), ne(modelVersions.modelId, modelId));
  const [foreign] = await tx.select({ id: modelVersions.id }).from(modelVersions).where(elsewhere);
  if (foreign === undefined) return;
  throw new PerennialError(
    'unproven',
    `model version ${foreign.id} belongs to another model, so it cannot be evaluated here`,
    {
      modelVersionId: foreign.id,
    },
  );
}
