import { and, asc, desc, eq, getTableColumns, gt, gte, inArray, lt, lte, type SQL, sql } from '../connection/orm.ts';
import { z } from 'zod';
import type { Id, PageRequest } from '../../contracts/identifiers.ts';
import { Id as IdSchema, Instant } from '../../contracts/identifiers.ts';
import type { ChainPoint, ChainVerdict, SignedPoint } from '../../contracts/ledger/ledger-chain.ts';
import { ChainWalk } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerEntry } from '../../contracts/ledger/ledger-entry.ts';
import { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { LedgerRepository } from '../../ports/repositories/ledger-repository.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { found } from '../connection/not-found.ts';
import { belowId, decodeCursor, pageOf, unusableCursor } from '../connection/paging.ts';
import { ledger, ledgerHeads } from './ledger-tables.ts';
import { models } from '../models/model-tables.ts';
import { principals } from '../principals/principal-tables.ts';
import { toStored } from './stored-entry.ts';
import { visibleRows } from '../principals/visibility.ts';

const Key = z.tuple([Instant, IdSchema, z.number().int()]);
const verifiedAtOnce = 1000;

function toEntry(row: typeof ledger.$inferSelect): LedgerEntry {
  return { ...toStored(row), kind: LedgerKind.parse(row.kind) };
}

export function createLedgerRepository({ db }: RepositoryContext): LedgerRepository {
  return {
    list: (viewer, filter, page) =>
      query(db, async () => {
        const rows = await db
          .select({ ...getTableColumns(ledger), principalName: principals.name })
          .from(ledger)
          .innerJoin(models, eq(models.id, ledger.modelId))
          .innerJoin(principals, eq(principals.id, ledger.recordedBy))
          .where(
            and(
              visibleRows(viewer, ledger.environment),
              eq(models.project, filter.project),
              filter.model === undefined ? undefined : eq(models.name, filter.model),
              filter.environment === undefined ? undefined : eq(ledger.environment, filter.environment),
              filter.kind === undefined ? undefined : eq(ledger.kind, filter.kind),
              filter.since === undefined ? undefined : gte(ledger.recordedAt, toDate(filter.since)),
              filter.until === undefined ? undefined : lt(ledger.recordedAt, toDate(filter.until)),
              below(page),
            ),
          )
          .orderBy(desc(ledger.recordedAt), desc(ledger.modelId), desc(ledger.sequence))
          .limit(page.limit + 1);
        return pageOf(
          rows,
          page,
          (row) => [toInstant(row.recordedAt), row.modelId, row.sequence],
          (row) => ({ ...toEntry(row), principalName: row.principalName }),
        );
      }),
    owners: (filter, page) => query(db, () => owners(db, filter, page)),
    owner: (modelId) =>
      query(db, async () => {
        const [row] = await db
          .select({ project: models.project, model: models.name, modelId: models.id })
          .from(models)
          .where(eq(models.id, modelId));
        return row;
      }),
    verify: (modelId, signed = [], from) =>
      transact(db, (tx) => verify(tx, modelId, signed, from), { isolation: 'repeatable read', readOnly: true }),
    point: (modelId, sequence) =>
      query(db, () => pointOf(db, and(eq(ledger.modelId, modelId), eq(ledger.sequence, sequence)))),
    pointAt: (modelId, at) =>
      query(db, () => pointOf(db, and(eq(ledger.modelId, modelId), lte(ledger.recordedAt, toDate(at))))),
    signedPoints: (modelId) =>
      query(db, async () => {
        const rows = await db
          .select({ sequence: ledgerHeads.sequence, signedAt: ledgerHeads.signedAt })
          .from(ledgerHeads)
          .where(eq(ledgerHeads.modelId, modelId))
          .orderBy(asc(ledgerHeads.sequence));
        return rows.map((row) => ({ sequence: row.sequence, signedAt: toInstant(row.signedAt) }));
      }),
    noteSigned: (modelId, { sequence, signedAt }, by) =>
      query(db, async () => {
        await db
          .insert(ledgerHeads)
          .values({ modelId, sequence, signedAt: toDate(signedAt), recordedBy: by })
          .onConflictDoNothing();
      }),
    forgetSigned: (modelId, sequences) =>
      query(db, async () => {
        if (sequences.length === 0) return;
        await db
          .delete(ledgerHeads)
          .where(and(eq(ledgerHeads.modelId, modelId), inArray(ledgerHeads.sequence, [...sequences])));
      }),
  };
}

/**
 * Condition for the next page. The list mixes the chains of many models and is ordered by time, then model and
 * sequence.
 */
function below(page: PageRequest): ReturnType<typeof sql> | undefined {
  const cursor = decodeCursor(page.cursor);
  if (cursor === undefined) return undefined;
  const key = Key.safeParse(cursor);
  if (!key.success) throw unusableCursor();
  const [recordedAt, modelId, sequence] = key.data;
  return sql`(${ledger.recordedAt}, ${ledger.modelId}, ${ledger.sequence}) < (${recordedAt}::timestamptz, ${modelId}::uuid, ${sequence}::bigint)`;
}

/** Reads the chain in pages, so that memory stays bounded. */
async function verify(
  tx: Transaction,
  modelId: Id,
  signed: readonly SignedPoint[],
  from: ChainPoint | undefined,
): Promise<ChainVerdict> {
  const walk = new ChainWalk(signed, from ?? null);
  // Without a `from` there is no lower bound, so that forged entries numbered 0 or below are found.
  let after: number | undefined = from?.sequence;
  for (;;) {
    const rows = await tx
      .select()
      .from(ledger)
      .where(and(eq(ledger.modelId, modelId), after === undefined ? undefined : gt(ledger.sequence, after)))
      .orderBy(asc(ledger.sequence))
      .limit(verifiedAtOnce);
    for (const row of rows) {
      const problem = walk.step(toStored(row));
      if (problem !== undefined) return walk.verdict(problem);
    }
    if (rows.length < verifiedAtOnce) return walk.verdict(walk.end());
    after = rows.at(-1)?.sequence;
  }
}

async function pointOf(tx: Executor, where: SQL | undefined): Promise<ChainPoint | undefined> {
  const [row] = await tx.select().from(ledger).where(where).orderBy(desc(ledger.sequence)).limit(1);
  if (row === undefined) return undefined;
  const { sequence, digest, recordedAt } = toStored(row);
  return { sequence, digest, recordedAt };
}

async function owners(
  tx: Executor,
  { project, model }: Parameters<LedgerRepository['owners']>[0],
  page: PageRequest,
): ReturnType<LedgerRepository['owners']> {
  const after = belowId(page);
  const rows = await tx
    .select({ project: models.project, model: models.name, modelId: models.id })
    .from(models)
    .where(
      and(
        project === undefined ? undefined : eq(models.project, project),
        model === undefined ? undefined : eq(models.name, model),
        after === undefined ? undefined : gt(models.id, after),
      ),
    )
    .orderBy(asc(models.id))
    .limit(page.limit + 1);
  if (model !== undefined && after === undefined)
    found(rows[0], `project ${project ?? 'default'} has no model ${model}; \`GET /v1/models\` lists its models`, {
      model,
    });
  return pageOf(
    rows,
    page,
    (row) => row.modelId,
    (row) => row,
  );
}
