import { and, asc, eq, inArray, sql } from '../connection/orm.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { CountKey, InEpoch, ServingCountOfEpoch, ShadowCountOfEpoch } from '../../contracts/serving/prediction.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { EpochTotals } from './add-epochs.ts';
import { addEpoch, nothingCounted } from './add-epochs.ts';
import type { Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { gateways, servingCounts, shadowCounts } from './gateway-tables.ts';
import { inScope } from '../connection/in-scope.ts';

type CountTable = typeof servingCounts | typeof shadowCounts;
type Bookkeeping = Pick<CountTable['$inferSelect'], 'recordedAt' | 'schemaVersion' | 'epochs'>;
type CountMethods = Pick<DeploymentRepository, 'countServed' | 'served' | 'countShadow' | 'shadowed'>;

/** Returns the methods that store and read gateways' counts of answered requests, summed over epochs. */
export function countMethods({ db }: RepositoryContext): CountMethods {
  return {
    countServed: (counts) => transact(db, (tx) => countServed(tx, counts)),
    countShadow: (counts) => transact(db, (tx) => countShadow(tx, counts)),
    served: (scope, generation) =>
      query(db, async () => {
        const rows = await db
          .select()
          .from(servingCounts)
          .where(ofGeneration(servingCounts, scope, generation))
          .orderBy(asc(servingCounts.gatewayId), asc(servingCounts.releaseDigest));
        return rows.map(countOf);
      }),
    shadowed: (scope, generation) =>
      query(db, async () => {
        const rows = await db
          .select()
          .from(shadowCounts)
          .where(ofGeneration(shadowCounts, scope, generation))
          .orderBy(asc(shadowCounts.gatewayId), asc(shadowCounts.releaseDigest));
        return rows.map(countOf);
      }),
  };
}

function ofGeneration(t: CountTable, { modelId, environment }: Scope, generation: number) {
  return and(inScope(t, { modelId, environment }), eq(t.generation, generation));
}

/** Removes the columns that only the database needs. */
function countOf<Row extends Bookkeeping>(row: Row): Omit<Row, keyof Bookkeeping> {
  const { recordedAt: _recordedAt, schemaVersion: _schemaVersion, epochs: _epochs, ...count } = row;
  return count;
}

async function countServed(tx: Transaction, counts: readonly ServingCountOfEpoch[]): Promise<void> {
  if (counts.length === 0) return;
  await lockGateways(tx, counts);
  const known = await tx.select().from(servingCounts).where(amongCounts(servingCounts, counts));
  const values = addUp(known, counts, servingAmounts).map(([key, { totals, epochs }]) => {
    const [requests = 0, errors = 0, ownErrors = 0, ...latency] = totals;
    return { ...key, requests, errors, ownErrors, latency, epochs: [...epochs] };
  });
  await tx
    .insert(servingCounts)
    .values(values)
    .onConflictDoUpdate({
      target: keyOf(servingCounts),
      set: {
        ...toldNow,
        requests: sql`excluded.requests`,
        errors: sql`excluded.errors`,
        ownErrors: sql`excluded.own_errors`,
        latency: sql`excluded.latency`,
      },
    });
}

async function countShadow(tx: Transaction, counts: readonly ShadowCountOfEpoch[]): Promise<void> {
  if (counts.length === 0) return;
  await lockGateways(tx, counts);
  const known = await tx.select().from(shadowCounts).where(amongCounts(shadowCounts, counts));
  const values = addUp(known, counts, shadowAmounts).map(([key, { totals, epochs }]) => {
    const [compared = 0, failed = 0, dropped = 0, absoluteDifference = 0, beyond = 0] = totals;
    return { ...key, compared, failed, dropped, absoluteDifference, beyond, epochs: [...epochs] };
  });
  await tx
    .insert(shadowCounts)
    .values(values)
    .onConflictDoUpdate({
      target: keyOf(shadowCounts),
      set: {
        ...toldNow,
        compared: sql`excluded.compared`,
        failed: sql`excluded.failed`,
        dropped: sql`excluded.dropped`,
        absoluteDifference: sql`excluded.absolute_difference`,
        beyond: sql`excluded.beyond`,
      },
    });
}

/** Columns that are updated in the same way in both tables. */
const toldNow = { recordedAt: sql`now()`, epochs: sql`excluded.epochs` };

function keyOf(t: CountTable) {
  return [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest];
}

type ServingAmounts = Pick<ServingCountOfEpoch, 'requests' | 'errors' | 'ownErrors' | 'latency'>;

function servingAmounts({ requests, errors, ownErrors, latency }: ServingAmounts): number[] {
  return [requests, errors, ownErrors, ...latency];
}

type ShadowAmounts = Pick<ShadowCountOfEpoch, 'compared' | 'failed' | 'dropped' | 'absoluteDifference' | 'beyond'>;

function shadowAmounts({ compared, failed, dropped, absoluteDifference, beyond }: ShadowAmounts): number[] {
  return [compared, failed, dropped, absoluteDifference, beyond];
}

/**
 * Locks the gateways so that reports of one gateway are processed one after the other, even if the counts have no row
 * yet.
 */
async function lockGateways(tx: Transaction, counts: readonly CountKey[]): Promise<void> {
  await tx
    .select({ id: gateways.id })
    .from(gateways)
    .where(inArray(gateways.id, distinct(counts, 'gatewayId')))
    .orderBy(asc(gateways.id))
    .for('no key update');
}

/** Selects the rows of these counts, and possibly a few others. */
function amongCounts(t: CountTable, counts: readonly CountKey[]) {
  return and(
    inArray(t.gatewayId, distinct(counts, 'gatewayId')),
    inArray(t.modelId, distinct(counts, 'modelId')),
    inArray(t.generation, distinct(counts, 'generation')),
  );
}

function distinct<Name extends keyof CountKey>(counts: readonly CountKey[], name: Name): CountKey[Name][] {
  return [...new Set(counts.map((count) => count[name]))];
}

/** Returns the new totals of each row named in `told`, after adding the reported growth. */
function addUp<Count extends CountKey & InEpoch, Amounts>(
  known: readonly (CountKey & Pick<EpochTotals, 'epochs'> & Amounts)[],
  told: readonly (Count & Amounts)[],
  amountsOf: (count: Amounts) => number[],
): readonly (readonly [CountKey, EpochTotals])[] {
  const before = new Map(known.map((row) => [nameOf(row), { totals: amountsOf(row), epochs: row.epochs }]));
  const after = new Map<string, readonly [CountKey, EpochTotals]>();
  for (const count of told) {
    const { gatewayId, epoch, modelId, environment, generation, releaseDigest } = count;
    const key = { gatewayId, modelId, environment, generation, releaseDigest };
    const name = nameOf(key);
    const totals = after.get(name)?.[1] ?? before.get(name) ?? nothingCounted;
    after.set(name, [key, addEpoch(totals, { epoch, amounts: amountsOf(count) })]);
  }
  return [...after.values()];
}

function nameOf({ gatewayId, modelId, environment, generation, releaseDigest }: CountKey): string {
  return JSON.stringify([gatewayId, modelId, environment, generation, releaseDigest]);
}
