import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../adapters/logger/pino.ts';
import type { Deployed, ServingGround, TestGateway } from '../support/serving-ground.ts';
import { inferBody, layServingGround, startTestGateway } from '../support/serving-ground.ts';
import { tamper } from '../support/tamper.ts';

// The attacker can write anything into the database, past its triggers, and changes what serves without a decision.

const within = { timeout: 20_000, interval: 50 };
let ground: ServingGround;
let gateway: TestGateway | undefined;
let first: Deployed;
let second: Deployed;

beforeEach(async () => {
  ground = await layServingGround();
  first = await ground.deploy({ bias: 100 });
  second = await ground.deploy({ bias: 200 });
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await ground.stop();
});

async function start(): Promise<void> {
  gateway = await startTestGateway(ground, { logger: createLogger({ name: 'gateway', level: 'silent' }) });
}

async function predict(): Promise<number | string> {
  const { status, body } = await gateway!.ask('POST /v2/models/bike/infer', inferBody([[1, 2]]));
  return status === 200 ? Number(body.outputs[0].data[0]) : `${status}: ${body.error}`;
}

const reported = async () =>
  (await ground.repositories.deployments.mismatches()).map(({ generation, reason }) => ({ generation, reason }));

/**
 * Changes the database and notifies gateways immediately, because these tests are about what gateways read, not when.
 */
async function change(text: string, ...values: unknown[]): Promise<void> {
  await tamper(ground.database, text, [ground.scope.modelId, ...values]);
  await tamper(ground.database, 'notify perennial_serving');
}

/** Gives the newest generation the slots of the first one, and so another release. */
const servesTheFirst = `update generations g set slots = old.slots from generations old
  where g.model_id = $1 and old.model_id = $1 and g.generation = 2 and old.generation = 1`;

const attacks: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
  [
    'the weights of the newest generation',
    () =>
      change(
        `update generations set slots = jsonb_set(slots, '{0,weight}', '50') where model_id = $1 and generation = 2`,
      ),
    /does not match entry \d+ of the ledger/,
  ],
  ['the release of the newest generation', () => change(servesTheFirst), /does not match entry \d+ of the ledger/],
  [
    'the release of a slot, with the digest of the right release',
    () =>
      change(
        `update generations set slots = jsonb_set(slots, '{0,releaseId}', to_jsonb($2::text)) where model_id = $1 and generation = 2`,
        first.release.id,
      ),
    /its content does not match its digest/,
  ],
  [
    'the model version that a release names',
    () =>
      change(
        'update releases set model_version_id = $2 where model_id = $1 and id = $3',
        first.release.modelVersionId,
        second.release.id,
      ),
    /artifact that it was made with/,
  ],
  [
    'the artifact of the version that serves',
    () =>
      change(
        `update model_versions set artifact = (select artifact from model_versions where id = $2) where model_id = $1 and id = $3`,
        first.release.modelVersionId,
        second.release.modelVersionId,
      ),
    /artifact that it was made with/,
  ],
  [
    'the configuration of a release',
    () => change(`update configurations set body = jsonb_set(body, '{serve,onStale}', '"refuse"') where model_id = $1`),
    /configuration that it was made with/,
  ],
  [
    'the environment’s pointer, back to an older generation',
    () => change('update model_environments set generation = 1 where model_id = $1'),
    /the ledger's last generation is 2 \(entry \d+\), but the database has generation 1/,
  ],
  [
    'the generations, with one that was never decided',
    async () => {
      const same = 'change, reason, recorded_at, effective_at, recorded_by, run_id';
      await change(
        `insert into generations (model_id, environment, generation, slots, ${same})
         select model_id, environment, 3, slots, ${same} from generations where model_id = $1 and generation = 1`,
      );
      await change('update model_environments set generation = 3 where model_id = $1');
    },
    /the ledger's last generation is 2/,
  ],
  [
    'the entry of the newest generation',
    () =>
      change(
        `update ledger set reason = 'never' where model_id = $1 and kind = 'generation.raised' and subject ->> 'generation' = '2'`,
      ),
    /entry \d+ of the ledger, which records generation 2, was changed/,
  ],
  [
    'the newest generation, by deleting it',
    () => change('delete from generations where model_id = $1 and generation = 2'),
    /names generation 2, but does not have it/,
  ],
  [
    'the model, by marking it as archived',
    () => change('update models set archived_at = now() where id = $1'),
    /marked as archived/,
  ],
];

test.each(attacks)(
  'a gateway keeps serving its generation after somebody changes %s, and reports it',
  async (_what, attack, why) => {
    await start();
    await expect.poll(predict, within).toBe(203);
    expect(await reported()).toEqual([]);
    await attack();
    await expect
      .poll(reported, within)
      .toEqual([{ generation: expect.any(Number), reason: expect.stringMatching(why) }]);
    expect(await predict()).toBe(203);
    const { body } = await gateway!.ask('GET /v2/models/bike');
    expect(body.parameters.ledger_mismatch).toMatch(why);
    const { body: metrics } = await gateway!.ask('GET /metrics');
    expect(metrics).toMatch(/perennial_ledger_mismatch_generation\{project="default",model="bike".*\} \d/);
  },
);

test('a gateway keeps serving a model that somebody deletes from the database', async () => {
  await start();
  await expect.poll(predict, within).toBe(203);
  await change('delete from model_environments where model_id = $1');
  await expect
    .poll(reported, within)
    .toEqual([{ generation: 2, reason: expect.stringContaining('no longer has the deployment') }]);
  expect(await predict()).toBe(203);
});

test('a change that is reverted is no longer reported, and later generations are served', async () => {
  await start();
  await expect.poll(predict, within).toBe(203);
  await change('update model_environments set generation = 1 where model_id = $1');
  await expect.poll(reported, within).toHaveLength(1);
  await change('update model_environments set generation = 2 where model_id = $1');
  await expect.poll(reported, within).toEqual([]);
  await ground.deploy({ bias: 300 });
  await expect.poll(predict, within).toBe(303);
});

test('a gateway that starts after the newest generation was changed serves the previous one, and reports it', async () => {
  await change(
    `update generations set slots = jsonb_set(slots, '{0,weight}', '50') where model_id = $1 and generation = 2`,
  );
  await start();
  await expect.poll(predict, within).toBe(103);
  await expect.poll(reported, within).toMatchObject([{ generation: 2 }]);
});

test('a gateway that starts when no generation matches the ledger serves nothing, and says why', async () => {
  await change(`update generations set slots = jsonb_set(slots, '{0,weight}', '50') where model_id = $1`);
  await start();
  expect(await predict()).toMatch(/^503: .*does not match the ledger, so this gateway does not serve it/);
  await expect.poll(reported, within).toMatchObject([{ generation: 2 }]);
});

test("a release of another model does not serve under this model's name", async () => {
  await change(`update releases set body = jsonb_set(body, '{model,name}', '"other"') where model_id = $1`);
  await start();
  expect(await predict()).toMatch(/^503: .*its content does not match its digest/);
});

test('a legitimate end is not reported, such as an undone first release or an archived model', async () => {
  await start();
  await expect.poll(predict, within).toBe(203);
  await ground.repositories.models.archive(ground.scope.modelId, { reason: 'done', by: ground.operator });
  await expect.poll(predict, within).toMatch(/^404: no release/);
  expect(await reported()).toEqual([]);
});
