import { and, eq, lte } from '../connection/orm.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { DeploymentRepository, ServedAt } from '../../ports/repositories/deployment-repository.ts';
import type { Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { countMethods } from '../gateways/gateway-counts.ts';
import { gatewayMethods, observedAt } from '../gateways/gateway-rows.ts';
import { championOf, generationsOf, newestGeneration, readRelease, toGeneration, toRelease } from './generations.ts';
import { toDate } from '../connection/instants.ts';
import { makeRelease } from './make-release.ts';
import { found } from '../connection/not-found.ts';
import { pastOf } from './past-of-version.ts';
import { provenGeneration } from './proven-generations.ts';
import { rollBack } from './roll-back.ts';
import { abortOwn, beginRollout, endOwnRollout, raiseForRun } from './rollouts.ts';
import { environments } from '../environments/environment-tables.ts';
import { generations, releases } from './deployment-tables.ts';
import { readServingTable } from '../gateways/read-serving-table.ts';
import { sharedWatch, watchChannel } from '../connection/watch-channel.ts';

/** Longest interval between polls while waiting for gateways, because an expiring lease sends no notification. */
const acknowledgedPollMs = 2_000;

const snapshot = { isolation: 'repeatable read', readOnly: true } as const;

export function createDeploymentRepository(context: RepositoryContext): DeploymentRepository {
  const { db } = context;
  return {
    makeRelease: (scope, evaluationId, run) => transact(db, (tx) => makeRelease(context, tx, scope, evaluationId, run)),
    pastOf: (modelId, artifact) => query(db, () => pastOf(db, modelId, artifact)),
    release: (id) => query(db, () => readRelease(db, id)),
    releaseByDigest: (modelId, digest) =>
      query(db, async () => {
        const [row] = await db
          .select()
          .from(releases)
          .where(and(eq(releases.modelId, modelId), eq(releases.digest, digest)));
        return toRelease(found(row, `the model has no release ${digest}`, { modelId, release: digest }));
      }),
    current: (scope) => query(db, () => newestGeneration(db, scope)),
    champion: (scope) =>
      query(db, async () => {
        const slot = championOf(await newestGeneration(db, scope));
        return slot === undefined ? undefined : { slot, release: await readRelease(db, slot.releaseId) };
      }),
    history: (scope, limit) => query(db, async () => (await generationsOf(db, scope).limit(limit)).map(toGeneration)),
    servedAt: (scope, at) => transact(db, (tx) => servedAt(tx, scope, at), snapshot),
    beginRollout: (scope, runId) => transact(db, (tx) => beginRollout(context, tx, scope, runId)),
    raise: (scope, request) => transact(db, (tx) => raiseForRun(context, tx, scope, request)),
    abort: (scope, request) => transact(db, (tx) => abortOwn(context, tx, scope, request)),
    endRollout: (scope, runId) => transact(db, (tx) => endOwnRollout(tx, scope, runId)),
    rollback: (scope, request) => transact(db, (tx) => rollBack(context, tx, scope, request)),
    servingTable: () => transact(db, readServingTable, snapshot),
    watch: (onChange, pollMs) => watchChannel(db, 'perennial_serving', onChange, pollMs),
    watchAcknowledgements: sharedWatch((onChange) =>
      watchChannel(db, 'perennial_acknowledged', onChange, acknowledgedPollMs),
    ),
    ...gatewayMethods(context),
    ...countMethods(context),
  };
}

/**
 * Returns what served at an instant of the environment's clock. Under a virtual clock, the instant is in the
 * rehearsal's time.
 */
async function servedAt(tx: Transaction, scope: Scope, at: string): Promise<ServedAt> {
  const [row] = await generationsOf(tx, scope, lte(generations.effectiveAt, toDate(at))).limit(1);
  if (row === undefined) return { at, mismatch: null, decided: null, observed: [] };
  const decided = toGeneration(row);
  const [environment] = await tx
    .select({ clock: environments.clock })
    .from(environments)
    .where(and(eq(environments.project, scope.project), eq(environments.name, scope.environment)));
  const mismatch = (await provenGeneration(tx, scope, decided)) ?? null;
  const observed = await observedAt(tx, scope, at, decided, environment?.clock === 'virtual');
  return { at, mismatch, decided, observed };
}
