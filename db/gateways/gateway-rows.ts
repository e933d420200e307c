import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, lte, sql } from '../connection/orm.ts';
import type { Acknowledgement, GatewayLease, Generation } from '../../contracts/serving/deployment.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type {
  DeploymentRepository,
  ServedAt,
  ServingMismatch,
} from '../../ports/repositories/deployment-repository.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { acknowledgements, gateways } from './gateway-tables.ts';
import { models } from '../models/model-tables.ts';
import type { Channel } from '../connection/watch-channel.ts';
import { inScope } from '../connection/in-scope.ts';

type GatewayMethods = Pick<
  DeploymentRepository,
  'keepLease' | 'endLease' | 'liveGateways' | 'acknowledge' | 'acknowledgements' | 'noteMismatches' | 'mismatches'
>;

function toAcknowledgement({ mismatch: _mismatch, ...row }: typeof acknowledgements.$inferSelect): Acknowledgement {
  return { ...row, recordedAt: toInstant(row.recordedAt) };
}

/** Returns the methods for gateways' leases, acknowledgements and mismatches. */
export function gatewayMethods(context: RepositoryContext): GatewayMethods {
  const { db, clock } = context;
  return {
    keepLease: ({ id, address }, leaseUntil) =>
      query(db, async () => {
        const until = toDate(leaseUntil);
        await db
          .insert(gateways)
          .values({ id, address, startedAt: toDate(clock.now()), leaseUntil: until })
          .onConflictDoUpdate({ target: gateways.id, set: { address, leaseUntil: until } });
      }),
    endLease: (id) =>
      query(db, async () => {
        const now = toDate(clock.now());
        await db
          .update(gateways)
          .set({ leaseUntil: now })
          .where(and(eq(gateways.id, id), gt(gateways.leaseUntil, now)));
        await tellWaiting(db);
      }),
    liveGateways: () => query(db, () => liveGateways(context, db)),
    acknowledge: ({ gatewayId, modelId, environment, generation, error }) =>
      query(db, async () => {
        const recordedAt = toDate(clock.now());
        await db
          .insert(acknowledgements)
          .values({ gatewayId, modelId, environment, generation, error, recordedAt })
          // The first successful load is the time from which the gateway served. Earlier failures are overwritten.
          .onConflictDoUpdate({
            target: [
              acknowledgements.gatewayId,
              acknowledgements.modelId,
              acknowledgements.environment,
              acknowledgements.generation,
            ],
            set: { error, recordedAt },
            setWhere: sql`${acknowledgements.error} is not null`,
          });
        await tellWaiting(db);
      }),
    noteMismatches: (gatewayId, found) => transact(db, (tx) => noteMismatches(context, tx, gatewayId, found)),
    mismatches: () => query(db, () => liveMismatches(context, db)),
    acknowledgements: (scope, generation) => query(db, () => readAcknowledgements(context, db, scope, generation)),
  };
}

/** Wakes every process that waits for gateways. */
async function tellWaiting(tx: Executor): Promise<void> {
  const channel: Channel = 'perennial_acknowledged';
  await tx.execute(sql`select pg_notify(${channel}, '')`);
}

const mismatchesTold = 100;

/**
 * Stores mismatches in a separate column, so that the acknowledgement of a generation that was tampered with after
 * loading is kept.
 */
async function noteMismatches(
  { clock }: RepositoryContext,
  tx: Transaction,
  gatewayId: Id,
  found: readonly ServingMismatch[],
): Promise<void> {
  await tx
    .update(acknowledgements)
    .set({ mismatch: null })
    .where(and(eq(acknowledgements.gatewayId, gatewayId), isNotNull(acknowledgements.mismatch)));
  const known = await tx
    .select({ id: models.id })
    .from(models)
    .where(inArray(models.id, [...new Set(found.map((mismatch) => mismatch.scope.modelId))]));
  // Skips models that were deleted from the database, because an acknowledgement must refer to a model.
  const there = found.filter((mismatch) => known.some((model) => model.id === mismatch.scope.modelId));
  for (const { scope, generation, reason } of there)
    await tx
      .insert(acknowledgements)
      .values({
        gatewayId,
        modelId: scope.modelId,
        environment: scope.environment,
        generation,
        error: reason,
        mismatch: reason,
        recordedAt: toDate(clock.now()),
      })
      .onConflictDoUpdate({
        target: [
          acknowledgements.gatewayId,
          acknowledgements.modelId,
          acknowledgements.environment,
          acknowledgements.generation,
        ],
        set: { mismatch: reason },
      });
}

async function liveMismatches(
  { clock }: RepositoryContext,
  tx: Executor,
): ReturnType<DeploymentRepository['mismatches']> {
  const rows = await tx
    .select({
      gatewayId: acknowledgements.gatewayId,
      project: models.project,
      model: models.name,
      modelId: acknowledgements.modelId,
      environment: acknowledgements.environment,
      generation: acknowledgements.generation,
      mismatch: acknowledgements.mismatch,
    })
    .from(acknowledgements)
    .innerJoin(gateways, eq(gateways.id, acknowledgements.gatewayId))
    .innerJoin(models, eq(models.id, acknowledgements.modelId))
    .where(and(isNotNull(acknowledgements.mismatch), gt(gateways.leaseUntil, toDate(clock.now()))))
    .orderBy(asc(models.name), asc(acknowledgements.environment), asc(acknowledgements.gatewayId))
    .limit(mismatchesTold);
  return rows.map(({ gatewayId, generation, mismatch, ...scope }) => ({
    gatewayId,
    scope,
    generation,
    reason: mismatch ?? '',
  }));
}

async function liveGateways({ clock }: RepositoryContext, tx: Executor): Promise<readonly GatewayLease[]> {
  const rows = await tx
    .select()
    .from(gateways)
    .where(gt(gateways.leaseUntil, toDate(clock.now())))
    .orderBy(asc(gateways.startedAt), asc(gateways.id));
  return rows.map(({ recordedAt: _recordedAt, ...row }) => ({
    ...row,
    startedAt: toInstant(row.startedAt),
    leaseUntil: toInstant(row.leaseUntil),
  }));
}

async function readAcknowledgements(
  context: RepositoryContext,
  tx: Executor,
  scope: Scope,
  generation: number,
): ReturnType<DeploymentRepository['acknowledgements']> {
  const live = (await liveGateways(context, tx)).map((gateway) => gateway.id);
  if (live.length === 0) return { loaded: [], failed: [], missing: [] };
  const said = await tx
    .select()
    .from(acknowledgements)
    .where(
      and(
        inScope(acknowledgements, scope),
        gte(acknowledgements.generation, generation),
        inArray(acknowledgements.gatewayId, [...live]),
      ),
    )
    .orderBy(asc(acknowledgements.gatewayId), desc(acknowledgements.generation));
  const loaded = live.filter((id) => said.some((row) => row.gatewayId === id && row.error === null));
  const failed = live.flatMap((id) => {
    const last = loaded.includes(id) ? undefined : said.find((row) => row.gatewayId === id);
    return last === undefined ? [] : [toAcknowledgement(last)];
  });
  const told = new Set([...loaded, ...failed.map((row) => row.gatewayId)]);
  return { loaded, failed, missing: live.filter((id) => !told.has(id)) };
}

/**
 * Returns the generation that each gateway had loaded at that instant. Gateways report wall-clock time. Under a virtual
 * clock (`virtual`) rows are therefore selected by the number of the generation decided at that instant, not by time.
 */
export async function observedAt(
  tx: Executor,
  scope: Scope,
  at: Instant,
  decided: Generation,
  virtual: boolean,
): Promise<ServedAt['observed']> {
  const by = virtual
    ? lte(acknowledgements.generation, decided.generation)
    : and(lte(acknowledgements.recordedAt, toDate(at)), gte(gateways.leaseUntil, toDate(at)));
  const rows: readonly { gatewayId: Id; generation: number; recordedAt: Date }[] = await tx
    .selectDistinctOn([acknowledgements.gatewayId], {
      gatewayId: acknowledgements.gatewayId,
      generation: acknowledgements.generation,
      recordedAt: acknowledgements.recordedAt,
    })
    .from(acknowledgements)
    .innerJoin(gateways, eq(gateways.id, acknowledgements.gatewayId))
    .where(and(inScope(acknowledgements, scope), isNull(acknowledgements.error), by))
    .orderBy(asc(acknowledgements.gatewayId), desc(acknowledgements.generation));
  return rows.map((row) => ({
    gatewayId: row.gatewayId,
    generation: row.generation,
    since: toInstant(row.recordedAt),
  }));
}
