import { sql } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import { loseConnections } from '../support/postgres-of-tests.ts';
import { deploy, freshScope, layDeploymentGround, raise, rollOut, type DeploymentGround } from './deployment-ground.ts';

let ground: DeploymentGround;
let deployments: DeploymentRepository;

beforeAll(async () => {
  ground = await layDeploymentGround();
  ({ deployments } = ground.repositories);
});

afterAll(() => ground?.end());

const minute = 60_000;

function fromNow(milliseconds: number): string {
  return new Date(Date.parse(ground.clock.now()) + milliseconds).toISOString();
}

/** Ends the leases of all earlier gateways in this file, and creates this many gateways with leases. */
async function onlyGateways(count: number): Promise<Id[]> {
  for (const { id } of await deployments.liveGateways()) await deployments.endLease(id);
  const ids = Array.from({ length: count }, () => ground.context.ids.next());
  for (const id of ids) await deployments.keepLease({ id, address: 'http://127.0.0.1:9' }, fromNow(10 * minute));
  return ids;
}

function acknowledge(scope: Scope, gatewayId: Id, generation: number, error: string | null = null): Promise<void> {
  const { modelId, environment } = scope;
  return deployments.acknowledge({ gatewayId, modelId, environment, generation, error });
}

test('a lease is renewed by its gateway, and ends when it expires or the gateway ends it', async () => {
  const [first, second] = (await onlyGateways(2)) as [Id, Id];
  const ids = async () => (await deployments.liveGateways()).map((gateway) => gateway.id);
  expect(await ids()).toEqual([first, second]);
  const { startedAt } = (await deployments.liveGateways())[0]!;
  ground.clock.pass(9 * minute);
  await deployments.keepLease({ id: first, address: 'http://127.0.0.1:8' }, fromNow(10 * minute));
  ground.clock.pass(2 * minute);
  expect(await deployments.liveGateways()).toMatchObject([{ id: first, startedAt, address: 'http://127.0.0.1:8' }]);
  await deployments.endLease(first);
  expect(await ids()).toEqual([]);
});

test('a gateway with a live lease and no acknowledgement is missing, and one with an expired lease does not count', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  await rollOut(ground, scope, 2, [10]);
  const [loaded, later, failed, behind, silent] = (await onlyGateways(5)) as [Id, Id, Id, Id, Id];
  const gone = ground.context.ids.next();
  await deployments.keepLease({ id: gone, address: 'http://127.0.0.1:9' }, fromNow(minute));
  await acknowledge(scope, loaded, 1);
  await acknowledge(scope, later, 2);
  await acknowledge(scope, failed, 1, 'a digest differs');
  await acknowledge(scope, behind, 1);
  expect(await deployments.acknowledgements(scope, 1)).toMatchObject({
    loaded: [loaded, later, behind],
    failed: [{ gatewayId: failed, error: 'a digest differs', generation: 1 }],
    missing: [silent, gone],
  });
  ground.clock.pass(2 * minute);
  await acknowledge(scope, failed, 2, 'no memory');
  expect(await deployments.acknowledgements(scope, 2)).toMatchObject({
    loaded: [later],
    failed: [{ gatewayId: failed, generation: 2 }],
    missing: [loaded, behind, silent],
  });
  expect(await deployments.acknowledgements(await freshScope(ground), 1)).toMatchObject({ loaded: [], failed: [] });
});

test('a gateway that failed and then loads a generation has loaded it, and later reports do not change that', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  const [gateway] = (await onlyGateways(1)) as [Id];
  await acknowledge(scope, gateway, 1, 'the store is away');
  ground.clock.pass(minute);
  await acknowledge(scope, gateway, 1);
  const { observed } = await deployments.servedAt(scope, ground.clock.now());
  ground.clock.pass(minute);
  await acknowledge(scope, gateway, 1);
  await acknowledge(scope, gateway, 1, 'a repetition that failed');
  expect(await deployments.acknowledgements(scope, 1)).toEqual({ loaded: [gateway], failed: [], missing: [] });
  expect((await deployments.servedAt(scope, ground.clock.now())).observed).toEqual(observed);
});

test('without gateways none has loaded the generation and none is missing', async () => {
  const scope = await freshScope(ground);
  await deploy(ground, scope, 1);
  await onlyGateways(0);
  expect(await deployments.acknowledgements(scope, 1)).toEqual({ loaded: [], failed: [], missing: [] });
});

test('what served at an instant is known as decided, and as each gateway had loaded it', async () => {
  const scope = await freshScope(ground);
  const before = ground.clock.now();
  ground.clock.pass(minute);
  await deploy(ground, scope, 1);
  const [swift, slow] = (await onlyGateways(2)) as [Id, Id];
  await acknowledge(scope, swift, 1);
  await acknowledge(scope, slow, 1);
  const first = ground.clock.now();
  ground.clock.pass(minute);
  await deploy(ground, scope, 2);
  await acknowledge(scope, swift, 2);
  const second = ground.clock.now();
  ground.clock.pass(minute);
  await acknowledge(scope, slow, 2);
  const served = async (at: string) => {
    const { decided, observed } = await deployments.servedAt(scope, at);
    return [decided?.generation ?? null, Object.fromEntries(observed.map((row) => [row.gatewayId, row.generation]))];
  };
  expect(await served(before)).toEqual([null, {}]);
  expect(await served(first)).toEqual([1, { [swift]: 1, [slow]: 1 }]);
  expect(await served(second)).toEqual([2, { [swift]: 2, [slow]: 1 }]);
  await deployments.endLease(swift);
  ground.clock.pass(minute);
  expect(await served(ground.clock.now())).toEqual([2, { [slow]: 2 }]);
  expect(await served(second)).toEqual([2, { [swift]: 2, [slow]: 1 }]);
});

test('on a virtual clock the instant is the rehearsal’s, and the last generation of an instant counts', async () => {
  const scope = await freshScope(ground, { virtualNow: '2011-07-01T00:00:00.000Z' });
  await deploy(ground, scope, 1);
  const [gateway] = (await onlyGateways(1)) as [Id];
  await acknowledge(scope, gateway, 1);
  await ground.repositories.environments.advanceClock('default', scope.environment, '2011-08-01T00:00:00.000Z');
  await rollOut(ground, scope, 2, [10, 100]);
  await acknowledge(scope, gateway, 3);
  const served = async (at: string) => {
    const { decided, observed } = await deployments.servedAt(scope, at);
    const own = observed.filter((row) => row.gatewayId === gateway);
    return [decided?.generation ?? null, own.map((row) => row.generation)];
  };
  expect(await served('2011-06-30T23:59:59.999Z')).toEqual([null, []]);
  expect(await served('2011-07-15T00:00:00.000Z')).toEqual([1, [1]]);
  expect(await served('2011-08-01T00:00:00.000Z')).toEqual([3, [3]]);
});

/** Builds the counts that a gateway reports for the only release of the scope; `epoch` is any number. */
async function teller(scope: Scope) {
  const { digest } = await deploy(ground, scope, 1);
  const { modelId, environment } = scope;
  const epochs = new Map<number, Id>();
  const of = (gatewayId: Id, epoch: number) => {
    const id = epochs.get(epoch) ?? ground.context.ids.next();
    epochs.set(epoch, id);
    return { gatewayId, epoch: id, modelId, environment, generation: 1, releaseDigest: digest };
  };
  return {
    served: (gatewayId: Id, epoch: number, requests: number, errors: number) => ({
      ...of(gatewayId, epoch),
      requests,
      errors,
      ownErrors: errors,
      latency: [requests - errors],
    }),
    shadowed: (gatewayId: Id, epoch: number, compared: number) => ({
      ...of(gatewayId, epoch),
      compared,
      failed: 1,
      dropped: 2,
      absoluteDifference: compared / 4,
      beyond: 0,
    }),
  };
}

test('counts of an epoch only grow, even if reports arrive twice or late', async () => {
  const scope = await freshScope(ground);
  const { served } = await teller(scope);
  const [first, second] = (await onlyGateways(2)) as [Id, Id];
  await deployments.countServed([]);
  await deployments.countServed([served(first, 1, 10, 1), served(second, 2, 5, 0)]);
  await Promise.all([30, 12, 28, 10, 29].map((requests) => deployments.countServed([served(first, 1, requests, 0)])));
  expect(await deployments.served(scope, 1)).toMatchObject([
    { gatewayId: first, requests: 30, errors: 1, ownErrors: 1, latency: [30] },
    { gatewayId: second, requests: 5, errors: 0, latency: [5] },
  ]);
  expect(await deployments.served(scope, 2)).toEqual([]);
});

test('epochs are added up, so that the counts of a gateway that restarts from zero are included', async () => {
  const scope = await freshScope(ground);
  const { served } = await teller(scope);
  const [first, second] = (await onlyGateways(2)) as [Id, Id];
  await deployments.countServed([served(first, 1, 1_000, 0), served(second, 2, 7, 0)]);
  await deployments.countServed([served(first, 3, 4, 4)]);
  // Reports of two epochs arrive together, out of order, and repeatedly.
  await deployments.countServed([served(first, 4, 2, 1), served(first, 1, 1_001, 0)]);
  await Promise.all([1, 2, 3].map(() => deployments.countServed([served(first, 3, 4, 4), served(first, 1, 900, 0)])));
  expect(await deployments.served(scope, 1)).toMatchObject([
    { gatewayId: first, requests: 1_007, errors: 5, ownErrors: 5, latency: [1_002] },
    { gatewayId: second, requests: 7, errors: 0 },
  ]);
});

test('at most eight epochs are stored, and the counts of twenty are kept', async () => {
  const scope = await freshScope(ground);
  const { served } = await teller(scope);
  const [gateway] = (await onlyGateways(1)) as [Id];
  for (let epoch = 0; epoch < 20; epoch += 1) await deployments.countServed([served(gateway, epoch, 3, 1)]);
  expect(await deployments.served(scope, 1)).toMatchObject([{ requests: 60, errors: 20 }]);
  const { rows } = await ground.context.db.execute(
    sql`select count(*)::int as rows, max(jsonb_array_length(epochs)) as epochs from serving_counts where model_id = ${scope.modelId}`,
  );
  expect(rows).toEqual([{ rows: 1, epochs: 8 }]);
});

test('shadow comparisons are counted per epoch too', async () => {
  const scope = await freshScope(ground);
  const { shadowed } = await teller(scope);
  const [gateway] = (await onlyGateways(1)) as [Id];
  await deployments.countShadow([]);
  await deployments.countShadow([shadowed(gateway, 1, 8)]);
  await Promise.all([40, 12, 39].map((compared) => deployments.countShadow([shadowed(gateway, 1, compared)])));
  await deployments.countShadow([shadowed(gateway, 2, 4)]);
  expect(await deployments.shadowed(scope, 1)).toMatchObject([
    { gatewayId: gateway, compared: 44, failed: 2, dropped: 4, absoluteDifference: 11, beyond: 0 },
  ]);
  expect(await deployments.shadowed(scope, 2)).toEqual([]);
});

test('the serving table contains the newest generation of every scope, with everything that a gateway needs', async () => {
  const scope = await freshScope(ground);
  const virtual = await freshScope(ground, { virtualNow: '2011-07-01T00:00:00.000Z' });
  const undeployed = await freshScope(ground);
  const champion = await deploy(ground, scope, 1);
  const { release: canary, generation } = await rollOut(ground, scope, 2, [25]);
  await deploy(ground, virtual, 1);
  const { entries: table } = await deployments.servingTable();
  const entryOf = ({ modelId }: Scope) => table.filter((entry) => entry.scope.modelId === modelId);
  expect(entryOf(undeployed)).toEqual([]);
  expect(entryOf(virtual)).toMatchObject([{ virtual: true, scope: virtual }]);
  const [entry] = entryOf(scope);
  expect(entry).toMatchObject({
    scope,
    generation,
    virtual: false,
    routingKey: null,
    log: { sample: 1, onFull: 'drop-counted' },
    versions: [
      { id: champion.modelVersionId, number: 1, artifact: champion.body.artifact, releaseDigest: champion.digest },
      { id: canary.modelVersionId, number: 2, artifact: canary.body.artifact, releaseDigest: canary.digest },
    ],
  });
  expect(entry?.versions[0]?.signature.inputs).toEqual([{ name: 'temp', type: 'FP32' }]);
});

/** Settles when `callBack` is next called. */
function nextCall(): { readonly callBack: () => void; readonly next: () => Promise<void> } {
  let waiting: (() => void)[] = [];
  return {
    callBack: () => {
      const called = waiting;
      waiting = [];
      for (const settle of called) settle();
    },
    next: () => new Promise((settle) => waiting.push(settle)),
  };
}

test('a raised generation is announced at once, without waiting for a poll', async () => {
  const scope = await freshScope(ground);
  const { callBack, next } = nextCall();
  const stop = await deployments.watch(callBack, 3_600_000);
  try {
    const called = next();
    await deploy(ground, scope, 1);
    await called;
  } finally {
    await stop();
  }
});

test('a watch reconnects after its connection was lost', async () => {
  const scope = await freshScope(ground);
  const { runId } = await rollOut(ground, scope, 1, []);
  const pollMs = 4_000;
  const { callBack, next } = nextCall();
  const stop = await deployments.watch(callBack, pollMs);
  try {
    await loseConnections(ground.database);
    await next();
    const polled = performance.now();
    await listening();
    const called = next();
    await raise(ground, scope, { runId, weight: 100 });
    await called;
    expect(performance.now() - polled).toBeLessThan(pollMs * 0.9);
  } finally {
    await stop();
  }
});

test('a stopped watch reports nothing, and may be stopped twice', async () => {
  const scope = await freshScope(ground);
  let calls = 0;
  const stop = await deployments.watch(() => (calls += 1), 3_600_000);
  await Promise.all([stop(), stop()]);
  const before = calls;
  await deploy(ground, scope, 1);
  expect(calls).toBe(before);
});

async function listening(): Promise<void> {
  const listeners = sql`select 1 from pg_stat_activity where datname = current_database() and query like 'LISTEN%'`;
  while ((await ground.context.db.execute(listeners)).rows.length === 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
}
