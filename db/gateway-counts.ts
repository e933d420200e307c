import { and, asc, eq, inArray, sql } from './orm.ts';
import type { CountKey, InEpoch, ServingCountOfEpoch, ShadowCountOfEpoch } from '../contracts/prediction.ts';
import type { DeploymentRepository } from '../ports/repositories/deployments.ts';
import type { EpochTotals } from './add-epochs.ts';
import { addEpoch, nothingCounted } from './add-epochs.ts';
import type { Transaction } from './connection.ts';
import { query, transact } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { gateways, servingCounts, shadowCounts } from './schema.ts';

type CountMethods = Pick<DeploymentRepository, 'countServed' | 'served' | 'countShadow' | 'shadowed'>;

/** What gateways tell of what they have answered: totals, beside the epochs that they are the sums of. */
export function countMethods({ db }: RepositoryContext): CountMethods {
  return {
    countServed: (counts) => transact(db, (tx) => countServed(tx, counts)),
    countShadow: (counts) => transact(db, (tx) => countShadow(tx, counts)),
    served: (scope, generation) =>
      query(db, async () => {
        const t = servingCounts;
        const rows = await db
          .select()
          .from(t)
          .where(and(eq(t.modelId, scope.modelId), eq(t.environment, scope.environment), eq(t.generation, generation)))
          .orderBy(asc(t.gatewayId), asc(t.releaseDigest));
        return rows.map(({ recordedAt: _recordedAt, schemaVersion: _schemaVersion, epochs: _epochs, ...row }) => row);
      }),
    shadowed: (scope, generation) =>
      query(db, async () => {
        const t = shadowCounts;
        const rows = await db
          .select()
          .from(t)
          .where(and(eq(t.modelId, scope.modelId), eq(t.environment, scope.environment), eq(t.generation, generation)))
          .orderBy(asc(t.gatewayId), asc(t.releaseDigest));
        return rows.map(({ recordedAt: _recordedAt, schemaVersion: _schemaVersion, epochs: _epochs, ...row }) => row);
      }),
  };
}

async function countServed(tx: Transaction, counts: readonly ServingCountOfEpoch[]): Promise<void> {
  if (counts.length === 0) return;
  const t = servingCounts;
  await lockGateways(tx, counts);
  const known = await tx
    .select()
    .from(t)
    .where(and(...amongCounts(t, counts)));
  const values = addUp(
    known.map((row) => [row, { totals: servingAmounts(row), epochs: row.epochs }]),
    counts,
    servingAmounts,
  ).map(([key, { totals, epochs }]) => {
    const [requests = 0, errors = 0, ownErrors = 0, ...latency] = totals;
    return { ...key, requests, errors, ownErrors, latency, epochs: [...epochs] };
  });
  await tx
    .insert(t)
    .values(values)
    .onConflictDoUpdate({
      target: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest],
      set: {
        recordedAt: sql`now()`,
        requests: sql`excluded.requests`,
        errors: sql`excluded.errors`,
        ownErrors: sql`excluded.own_errors`,
        latency: sql`excluded.latency`,
        epochs: sql`excluded.epochs`,
      },
    });
}

async function countShadow(tx: Transaction, counts: readonly ShadowCountOfEpoch[]): Promise<void> {
  if (counts.length === 0) return;
  const t = shadowCounts;
  await lockGateways(tx, counts);
  const known = await tx
    .select()
    .from(t)
    .where(and(...amongCounts(t, counts)));
  const values = addUp(
    known.map((row) => [row, { totals: shadowAmounts(row), epochs: row.epochs }]),
    counts,
    shadowAmounts,
  ).map(([key, { totals, epochs }]) => {
    const [compared = 0, failed = 0, dropped = 0, absoluteDifference = 0, beyond = 0] = totals;
    return { ...key, compared, failed, dropped, absoluteDifference, beyond, epochs: [...epochs] };
  });
  await tx
    .insert(t)
    .values(values)
    .onConflictDoUpdate({
      target: [t.gatewayId, t.modelId, t.environment, t.generation, t.releaseDigest],
      set: {
        recordedAt: sql`now()`,
        compared: sql`excluded.compared`,
        failed: sql`excluded.failed`,
        dropped: sql`excluded.dropped`,
        absoluteDifference: sql`excluded.absolute_difference`,
        beyond: sql`excluded.beyond`,
        epochs: sql`excluded.epochs`,
      },
    });
}

type ServingAmounts = Pick<ServingCountOfEpoch, 'requests' | 'errors' | 'ownErrors' | 'latency'>;

function servingAmounts({ requests, errors, ownErrors, latency }: ServingAmounts): number[] {
  return [requests, errors, ownErrors, ...latency];
}

type ShadowAmounts = Pick<ShadowCountOfEpoch, 'compared' | 'failed' | 'dropped' | 'absoluteDifference' | 'beyond'>;

function shadowAmounts({ compared, failed, dropped, absoluteDifference, beyond }: ShadowAmounts): number[] {
  return [compared, failed, dropped, absoluteDifference, beyond];
}

/** Two tellings of one gateway add up one after the other, also where neither finds a row yet. */
async function lockGateways(tx: Transaction, counts: readonly CountKey[]): Promise<void> {
  const ids = [...new Set(counts.map(({ gatewayId }) => gatewayId))];
  await tx
    .select({ id: gateways.id })
    .from(gateways)
    .where(inArray(gateways.id, ids))
    .orderBy(asc(gateways.id))
    .for('no key update');
}

/** The rows of these counts, and perhaps some more. */
function amongCounts(t: typeof servingCounts | typeof shadowCounts, counts: readonly CountKey[]) {
  return [
    inArray(t.gatewayId, [...new Set(counts.map((count) => count.gatewayId))]),
    inArray(t.modelId, [...new Set(counts.map((count) => count.modelId))]),
    inArray(t.generation, [...new Set(counts.map((count) => count.generation))]),
  ];
}

/** What each row that `told` names has come to. */
function addUp<Count extends CountKey & InEpoch>(
  known: readonly (readonly [CountKey, EpochTotals])[],
  told: readonly Count[],
  amountsOf: (count: Count) => number[],
): readonly (readonly [CountKey, EpochTotals])[] {
  const before = new Map(known.map(([key, totals]) => [nameOf(key), totals]));
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
