import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { Generation } from '../../contracts/serving/deployment.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { ModelVersion } from '../../contracts/models/model-version.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import type { EarlierState } from './earlier-state.ts';
import { layEarlierState } from './earlier-state.ts';

// Objects that an earlier version stored keep their identity: an upgraded stack finds them, serves them and rolls back
// to them.

const asOf = '2026-01-11T00:00:00Z';
const Answers = z.record(z.string(), z.array(z.unknown()));
const Applied = z.object({ changed: z.boolean() }).loose();
const BuildOutcome = z.object({ decision: z.string(), modelVersionId: z.string() }).loose();
const RecordedVersion = z.looseObject({
  id: z.string(),
  model_id: z.string(),
  number: z.number(),
  training_key_parts: z.record(z.string(), z.unknown()),
});
const Deployments = z.object({ generation: Generation }).loose();

let state: EarlierState;
let stack: EmbeddedStack;
let answers: z.infer<typeof Answers>;
beforeAll(async () => {
  state = await layEarlierState('migrations-16');
  answers = Answers.parse(JSON.parse(await readFile(join(state.home, 'answers.json'), 'utf8')));
  stack = await startEmbeddedStack({ PERENNIAL_HOME: state.home, DATABASE_URL: state.databaseUrl });
});
afterAll(async () => {
  await stack?.end();
  await state?.remove();
});

async function infer(model: string): Promise<unknown> {
  const answer = await fetch(`${stack.gateway}/invocations?model=${model}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [{ temp: 20.5, hum: 3.25 }] }),
  });
  expect(answer.status).toBe(200);
  return z.object({ predictions: z.unknown() }).parse(await answer.json()).predictions;
}

async function built(model: string, id: string): Promise<ModelVersion> {
  const { items } = await stack.get(z.looseObject({ items: z.array(ModelVersion) }), `/v1/models/${model}/versions`);
  const version = items.find((item) => item.id === id);
  if (version === undefined) throw new Error(`${model} has no version ${id}`);
  return version;
}

async function newestVersion(model: string): Promise<z.infer<typeof RecordedVersion>> {
  const models = z.array(z.looseObject({ id: z.string(), name: z.string() })).parse(await state.rows('models'));
  const modelId = models.find(({ name }) => name === model)?.id;
  const versions = z.array(RecordedVersion).parse(await state.rows('model_versions'));
  const newest = versions
    .filter((version) => version.model_id === modelId)
    .toSorted((a, b) => a.number - b.number)
    .at(-1);
  if (newest === undefined) throw new Error(`no version of ${model} was recorded`);
  return newest;
}

test('every stored configuration keeps its digest when this version reads it', async () => {
  const configurations = await state.rows('configurations');
  expect(configurations).toHaveLength(2);
  for (const { body, digest } of configurations) expect(sha256OfJson(Configuration.parse(body))).toBe(digest);
});

test('every version and release has the digest of its parts', async () => {
  for (const { training_key_parts: parts, training_key: key } of await state.rows('model_versions'))
    expect(sha256OfJson(parts)).toBe(key);
  for (const { body, digest } of await state.rows('releases')) expect(sha256OfJson(body)).toBe(digest);
});

test('the releases that served before the upgrade still give the same predictions', async () => {
  expect(await infer('kept')).toEqual(answers['kept 2']);
  expect(await infer('words')).toEqual(answers['words 1']);
});

test.each(['kept', 'words'])(
  'the same configuration file of %s changes nothing, and the same build trains nothing',
  async (model) => {
    const file = join(state.home, 'models', model, 'perennial.yaml');
    const applied = await stack.json(Applied, ['apply', '-f', file]);
    expect(applied.changed).toBe(false);
    await stack.json(z.unknown(), ['data', 'ingest', '-f', file]);
    const outcome = await stack.json(BuildOutcome, ['build', '-m', model, '--as-of', asOf]);
    const { trainingKeyParts } = await built(model, outcome.modelVersionId);
    const recorded = await newestVersion(model);
    const { environment, ...others } = recorded.training_key_parts;
    expect(trainingKeyParts).toMatchObject(others);
    // On a machine with another Python or platform than the recorded one, a new training is correct.
    if (!isDeepStrictEqual(trainingKeyParts.environment, environment)) return;
    expect(outcome).toMatchObject({ decision: 'unchanged', modelVersionId: recorded.id });
  },
);

test('a rollback returns to the previous version, and the ledger is intact', async () => {
  const { code, stderr } = await stack.perennial(['rollback', '-m', 'kept', '--reason', 'upgraded', '--yes']);
  expect(stderr).not.toContain('error');
  expect(code).toBe(0);
  const { generation } = await stack.get(Deployments, '/v1/models/kept/deployments');
  expect(generation.slots.map((slot) => slot.modelVersionNumber)).toEqual([1]);
  expect(await infer('kept')).toEqual(answers['kept 1']);
  expect((await stack.perennial(['ledger', 'verify'])).code).toBe(0);
});
