import { and, asc, count, desc, eq, gt, inArray, isNull, lt, sql } from '../connection/orm.ts';
import type { CollectedBlob, Collection } from '../../contracts/runs/collection.ts';
import type { Idempotency } from '../../contracts/runs/command.ts';
import { pipelines } from '../../contracts/pipelines/pipelines.ts';
import { shortestGraceMs } from '../../contracts/runs/collection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import { RunKind } from '../../contracts/runs/run.ts';
import type { CollectionRepository } from '../../ports/repositories/collection-repository.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { holdKey, usedForAnother } from '../lifecycle/insert-command.ts';
import { toDate, toInstant, toInstantOrNull } from '../connection/instants.ts';
import { markReachable } from './mark-reachable.ts';
import { found, written } from '../connection/not-found.ts';
import { belowId, decodeCursor, pageOf } from '../connection/paging.ts';
import { forgetBlobs } from '../blobs/possess-blobs.ts';
import { collectedBlobs, collectionKeys, garbageCollections, reachableBlobs } from './collection-tables.ts';
import { storableText } from '../connection/storable.ts';

type Row = typeof garbageCollections.$inferSelect;

function toCollection({ cursor: _cursor, ...row }: Row): Collection {
  return {
    ...row,
    putBefore: toInstantOrNull(row.putBefore),
    endedAt: toInstantOrNull(row.endedAt),
    recordedAt: toInstant(row.recordedAt),
  };
}

export function createCollectionRepository(context: RepositoryContext): CollectionRepository {
  const { db } = context;
  return {
    begin: (wanted, idempotency) =>
      transact(db, (tx) =>
        idempotency === undefined ? begin(context, tx, wanted) : beginUnderKey(context, tx, wanted, idempotency),
      ),
    get: (id) => query(db, async () => toCollection(await read(db, id))),
    cursor: (id) => query(db, async () => (await read(db, id)).cursor),
    list: (page) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await db
          .select()
          .from(garbageCollections)
          .where(below === undefined ? undefined : lt(garbageCollections.id, below))
          .orderBy(desc(garbageCollections.id))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.id, toCollection);
      }),
    collected: (id, page) =>
      query(db, async () => {
        await read(db, id);
        const after = decodeCursor(page.cursor);
        const rows = await db
          .select({ sha256: collectedBlobs.sha256, bytes: collectedBlobs.bytes })
          .from(collectedBlobs)
          .where(
            and(
              eq(collectedBlobs.collectionId, id),
              after === undefined ? undefined : gt(collectedBlobs.sha256, String(after[0])),
            ),
          )
          .orderBy(asc(collectedBlobs.sha256))
          .limit(page.limit + 1);
        return pageOf(
          rows,
          page,
          (row) => row.sha256,
          (row) => row,
        );
      }),
    putBefore: () =>
      query(db, async () => toInstant(await ageBound(db, Date.parse(context.clock.now()), shortestGraceMs))),
    mark: (id) => transact(db, (tx) => mark(context, tx, id)),
    claim: (id, candidates) => transact(db, (tx) => claim(context, tx, id, candidates)),
    advance: (id, page) => transact(db, (tx) => advance(tx, id, page)),
    end: (id, failure) => transact(db, (tx) => end(context, tx, id, failure)),
  };
}

async function read(tx: Executor, id: Id): Promise<Row> {
  const [row] = await tx.select().from(garbageCollections).where(eq(garbageCollections.id, id));
  return found(row, `there is no garbage collection ${id}; \`perennial gc --list\` lists them`, { collectionId: id });
}

async function begin(
  context: RepositoryContext,
  tx: Transaction,
  { dryRun, graceMs, by }: Parameters<CollectionRepository['begin']>[0],
): Promise<Collection> {
  const [made] = await tx
    .insert(garbageCollections)
    .values({ id: context.ids.next(), dryRun, graceMs, state: 'running', recordedBy: by })
    .onConflictDoNothing()
    .returning();
  if (made !== undefined) return toCollection(made);
  const [underWay] = await tx.select().from(garbageCollections).where(eq(garbageCollections.state, 'running'));
  return toCollection(found(underWay, 'the garbage collection in progress has just ended; send the request again', {}));
}

/**
 * Stores the key with the collection that was returned, so that a repeated request starts no other, even after it has
 * ended.
 */
async function beginUnderKey(
  context: RepositoryContext,
  tx: Transaction,
  wanted: Parameters<CollectionRepository['begin']>[0],
  idempotency: Required<Idempotency>,
): Promise<Collection> {
  const { key, route, requestDigest } = idempotency;
  await holdKey(tx, wanted.by, idempotency);
  const isKey = and(
    eq(collectionKeys.recordedBy, wanted.by),
    eq(collectionKeys.route, route),
    eq(collectionKeys.idempotencyKey, key),
  );
  const [used] = await tx.select().from(collectionKeys).where(isKey);
  if (used !== undefined && used.requestDigest !== requestDigest)
    throw usedForAnother(idempotency, { collectionId: used.collectionId });
  if (used !== undefined) return toCollection(await read(tx, used.collectionId));
  const collection = await begin(context, tx, wanted);
  await tx.insert(collectionKeys).values({
    recordedBy: wanted.by,
    route,
    idempotencyKey: key,
    requestDigest,
    collectionId: collection.id,
  });
  return collection;
}

/**
 * Locks the collection until the transaction ends. Throws `unproven` if it has ended: the list of reachable blobs is
 * deleted then, so continuing would remove blobs in use.
 */
async function lockUnderWay(tx: Transaction, id: Id): Promise<Row> {
  const [row] = await tx.select().from(garbageCollections).where(eq(garbageCollections.id, id)).for('update');
  const collection = found(row, `there is no garbage collection ${id}; \`perennial gc --list\` lists them`, {
    collectionId: id,
  });
  if (collection.state === 'running') return collection;
  throw new PerennialError(
    'unproven',
    `garbage collection ${id} has already ${collection.state}; \`perennial gc\` begins another`,
    {
      collectionId: id,
    },
  );
}

async function mark({ clock }: RepositoryContext, tx: Transaction, id: Id): Promise<void> {
  const collection = await lockUnderWay(tx, id);
  if (collection.putBefore !== null) return;
  // Computed before the rows are read, so that bytes of rows written later are younger.
  const putBefore = await ageBound(tx, Date.parse(clock.now()), collection.graceMs);
  await markReachable(tx, id);
  await tx.update(garbageCollections).set({ putBefore }).where(eq(garbageCollections.id, id));
}

/**
 * Returns the time from which stored bytes are kept, because the grace period covers them or unfinished work may have
 * stored them without a row yet.
 */
async function ageBound(tx: Executor, now: number, graceMs: number): Promise<Date> {
  const oldest = await oldestUnnamed(tx);
  return new Date(Math.min(now - graceMs, ...(oldest === null ? [] : [oldest - shortestGraceMs])));
}

const kindsThatEnd = RunKind.options.filter((kind) => !pipelines[kind].waitsForWeeks);

/**
 * Returns the start of the oldest work that may have stored bytes without a row. For kinds of runs that end within
 * days, this is the start of the run; for the others, it is the start of the run's current step. Only the newest
 * attempt of a step counts, because the attempt of a killed worker stays `running` for ever. A queued run has stored
 * nothing.
 */
async function oldestUnnamed(tx: Executor): Promise<number | null> {
  const { rows } = await tx.execute<{ at: Date | string | null }>(sql`
    select min(began) as at from (
      select recorded_at as began from runs where state = 'running' and kind = any(${sql.param(kindsThatEnd)}::text[])
      union all
      select step.started_at from runs r cross join lateral (
        select distinct on (s.name) s.state, s.started_at from run_steps s
        where s.run_id = r.id order by s.name, s.started_at desc, s.attempt desc
      ) step
      where r.state in ('running', 'awaiting-approval') and step.state = 'running'
    ) work`);
  const at = rows[0]?.at ?? null;
  return at === null ? null : new Date(at).getTime();
}

async function claim(
  { clock }: RepositoryContext,
  tx: Transaction,
  id: Id,
  candidates: readonly CollectedBlob[],
): Promise<readonly CollectedBlob[]> {
  if (candidates.length === 0) return [];
  const { recordedAt, dryRun, putBefore } = await lockUnderWay(tx, id);
  // Without marks, no blob is known to be unreachable.
  if (putBefore === null) return [];
  const free = await unreachable(tx, id, { candidates, since: recordedAt, now: toDate(clock.now()) });
  const claimed = candidates.filter((blob) => free.has(blob.sha256));
  if (claimed.length === 0) return [];
  await tx
    .insert(collectedBlobs)
    .values(claimed.map((blob) => ({ collectionId: id, ...blob })))
    .onConflictDoNothing();
  if (!dryRun) await forgetBlobs(tx, [...free]);
  return claimed;
}

async function unreachable(
  tx: Transaction,
  id: Id,
  {
    candidates,
    since,
    now,
  }: { readonly candidates: readonly CollectedBlob[]; readonly since: Date; readonly now: Date },
): Promise<ReadonlySet<Sha256>> {
  const named = sql.param(candidates.map((blob) => blob.sha256));
  const { rows } = await tx.execute<{ sha256: string }>(sql`
    with asked as (
      select body::text as body from commands where status = 'pending' or recorded_at >= ${since}
      union all
      select request::text from runs where recorded_at >= ${since}
    )
    select candidate.sha256 from unnest(${named}::text[]) candidate(sha256)
    where not exists (select 1 from reachable_blobs r where r.collection_id = ${id}::uuid and r.sha256 = candidate.sha256)
      and not exists (select 1 from blobs b where b.sha256 = candidate.sha256 and b.lease_until > ${now})
      and not exists (select 1 from asked where position(candidate.sha256 in asked.body) > 0)`);
  return new Set(rows.map((row) => row.sha256));
}

async function advance(
  tx: Transaction,
  id: Id,
  { scanned, cursor, spared }: Parameters<CollectionRepository['advance']>[1],
): Promise<void> {
  await lockUnderWay(tx, id);
  if (spared.length > 0)
    await tx
      .delete(collectedBlobs)
      .where(and(eq(collectedBlobs.collectionId, id), inArray(collectedBlobs.sha256, [...spared])));
  await tx
    .update(garbageCollections)
    .set({ cursor, scanned: sql`${garbageCollections.scanned} + ${scanned}` })
    .where(and(eq(garbageCollections.id, id), sql`coalesce(${garbageCollections.cursor}, '') < ${cursor}`));
  await sumUp(tx, id);
}

async function sumUp(tx: Transaction, id: Id): Promise<void> {
  const [sum] = await tx
    .select({ collected: count(), collectedBytes: sql`coalesce(sum(${collectedBlobs.bytes}), 0)`.mapWith(Number) })
    .from(collectedBlobs)
    .where(eq(collectedBlobs.collectionId, id));
  await tx.update(garbageCollections).set(written(sum)).where(eq(garbageCollections.id, id));
}

async function end({ clock }: RepositoryContext, tx: Transaction, id: Id, failure: string | null): Promise<Collection> {
  await tx
    .update(garbageCollections)
    .set({
      state: failure === null ? 'succeeded' : 'failed',
      failure: failure === null ? null : storableText(failure),
      endedAt: toDate(clock.now()),
    })
    .where(and(eq(garbageCollections.id, id), isNull(garbageCollections.endedAt)));
  await tx.delete(reachableBlobs).where(eq(reachableBlobs.collectionId, id));
  return toCollection(await read(tx, id));
}
