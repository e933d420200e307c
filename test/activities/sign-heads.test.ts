import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import {
  createAbortRollout,
  createRaiseGeneration,
  createRollBack,
} from '../../activities/deployment/rollout-activities.ts';
import { createSignHeads } from '../../activities/ledger/sign-heads.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createLedgerProof } from '../../adapters/ledger-proof/ledger-proof.ts';
import { headsOf } from '../../contracts/ledger/ledger-head.ts';
import type { LedgerProof } from '../../ports/ledger-proof.ts';
import type { Logger } from '../../ports/logger.ts';
import type { ServingGround } from '../support/serving-ground.ts';
import { layServingGround } from '../support/serving-ground.ts';
import { tamper } from '../support/tamper.ts';

let ground: ServingGround;
let ledgerProof: LedgerProof;
let errors: string[];
let signHeads: Activities['signHeads'];

beforeEach(async () => {
  ground = await layServingGround();
  errors = [];
  const { repositories, objectStore } = ground;
  const secret = 'a-secret-of-the-tests-0123456789abcdef';
  ledgerProof = createLedgerProof({ ledger: repositories.ledger, objectStore, clock: createSystemClock(), secret });
  signHeads = createSignHeads(parts());
});
afterEach(() => ground.stop());

function parts() {
  const logger: Logger = { debug() {}, info() {}, warn() {}, error: (_fields, message) => errors.push(message) };
  return { repositories: ground.repositories, ledgerProof, lifecyclePrincipal: 'lifecycle', logger };
}

const copies = () => ground.objectStore.listNamed(headsOf(ground.scope.modelId), null, 100);

test('one round signs each chain that has grown since the last one, and no other', async () => {
  expect(await signHeads({ cursor: null })).toEqual({ next: null, signed: 1, refused: 0 });
  expect(await signHeads({ cursor: null })).toEqual({ next: null, signed: 0, refused: 0 });
  await ground.deploy({ bias: 100 });
  expect(await signHeads({ cursor: null })).toEqual({ next: null, signed: 1, refused: 0 });
  expect(await copies()).toHaveLength(2);
});

test('a chain that was altered since the last one is not signed, and the log names the entry', async () => {
  await signHeads({ cursor: null });
  await ground.deploy({ bias: 100 });
  const text = "update ledger set reason = 'never' where model_id = $1 and sequence = 2";
  await tamper(ground.database, text, [ground.scope.modelId]);
  expect(await signHeads({ cursor: null })).toEqual({ next: null, signed: 0, refused: 1 });
  expect(errors).toEqual([expect.stringContaining('entry 2 was changed')]);
  expect(await copies()).toHaveLength(1);
});

test('the number of kept copies is bounded, however many heads were signed', async () => {
  const by = ground.operator;
  for (let minute = 0; minute < 25; minute += 1) {
    const schedule = { cron: `${minute} 3 * * *`, timezone: 'UTC', paused: false, overlap: 'skip' as const };
    await ground.repositories.schedules.put(ground.scope, 'nightly', schedule, by);
    await signHeads({ cursor: null });
  }
  expect(await copies()).toHaveLength(16);
  expect(await ground.repositories.ledger.signedPoints(ground.scope.modelId)).toHaveLength(16);
  expect(await ledgerProof.verify(ground.scope)).toMatchObject({ verified: true, signed: { copies: 16 } });
});

test('the head is signed after a change of what serves, and no request waits for it', async () => {
  let signing = 0;
  const never: LedgerProof = {
    key: ledgerProof.key,
    verify: (owner) => ledgerProof.verify(owner),
    removedModels: () => ledgerProof.removedModels(),
    sign: () => {
      signing += 1;
      return new Promise(() => {});
    },
  };
  const release = { id: ground.operator };
  const deployments = {
    current: async () => undefined,
    raise: async () => ({ generation: 1 }),
    abort: async () => undefined,
    rollback: async () => ({ generation: { generation: 2, slots: [] }, from: release, to: release }),
  };
  const runs = { get: async () => ({ request: { kind: 'rollback' }, recordedBy: ground.operator }) };
  const repositories = { ...ground.repositories, deployments, runs };
  const deps = { ...parts(), repositories, ledgerProof: never } as unknown as ActivityDependencies;
  const input = { runId: 'of-a-test', scope: ground.scope };
  await createRaiseGeneration(deps)({ ...input, weight: 100 });
  await createAbortRollout(deps)({ ...input, reason: '' });
  await createRollBack(deps)(input);
  await expect.poll(() => signing).toBe(3);
});
