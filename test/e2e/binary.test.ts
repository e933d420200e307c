import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { BinaryMetrics } from '../../contracts/models/metrics.ts';
import { Report } from '../../contracts/monitoring/report.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';

// Runs the second example as its reader would, and compares the results with those of scikit-learn without Perennial.

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));
const example = join(repository, 'examples/breast-cancer-binary');
const configuration = join(example, 'perennial.yaml');
const Reference = z.object({
  rows: z.number(),
  positives: z.number(),
  ids: z.array(z.number()),
  probability: z.array(z.number()),
  metrics: z.record(z.string(), z.number()),
});
const Tensor = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.number()),
  data: z.array(z.unknown()),
  parameters: z.object({ classes: z.array(z.string()) }).optional(),
});
const Answer = z.object({ outputs: z.array(Tensor), parameters: z.looseObject({}) }).loose();

let stack: EmbeddedStack;
let reference: z.infer<typeof Reference>;
beforeAll(async () => {
  [stack, reference] = await Promise.all([startStackOfRun(), referenceValues()]);
});
afterAll(() => stack?.end());

async function referenceValues(): Promise<z.infer<typeof Reference>> {
  const lock = join(example, 'train/requirements.lock');
  const prepared = await run(process.execPath, [join(repository, 'stack/prepare-environment.ts'), lock]);
  const { binFolder } = z.object({ binFolder: z.string() }).parse(JSON.parse(prepared.stdout));
  const script = join(repository, 'test/e2e/breast_cancer_reference.py');
  const { stdout } = await run(join(binFolder, 'python'), [script, join(example, 'tumours.csv')]);
  return Reference.parse(JSON.parse(stdout));
}

/** Returns the rows of the example by id. */
async function tumours(): Promise<Map<number, Record<string, string>>> {
  const [header = '', ...lines] = (await readFile(join(example, 'tumours.csv'), 'utf8')).trim().split('\n');
  const names = header.split(',');
  return new Map(
    lines.map((line) => {
      const cells = line.split(',');
      return [Number(cells[0]), Object.fromEntries(names.map((name, at) => [name, cells[at]!]))];
    }),
  );
}

function infer(body: unknown): Promise<Response> {
  return fetch(`${stack.gateway}/v2/models/breast-cancer/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function requestOf(ids: readonly number[], outputs?: readonly string[]) {
  const rows = await tumours();
  const names = Object.keys(rows.get(1)!).filter((name) => name !== 'id' && name !== 'diagnosis');
  return {
    inputs: names.map((name) => ({
      name,
      shape: [ids.length],
      datatype: 'FP32',
      data: ids.map((id) => Number(rows.get(id)![name])),
    })),
    parameters: { prediction_ids: ids.map((id) => `tumour-${id}`) },
    ...(outputs === undefined ? {} : { outputs: outputs.map((name) => ({ name })) }),
  };
}

test('metrics of the holdout equal those of scikit-learn, and the gates of a classifier decide', async () => {
  await stack.json(z.unknown(), ['apply', '-f', configuration]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', configuration]);
  const outcome = await stack.json(z.object({ decision: z.string() }).loose(), ['build', '--model', 'breast-cancer']);
  expect(outcome.decision).toBe('candidate');
  const { evaluation } = await stack.get(
    z.object({ evaluation: z.object({ body: EvaluationBody }).loose() }).loose(),
    '/v1/models/breast-cancer/versions/1',
  );
  const measured = BinaryMetrics.parse(evaluation.body.challenger);
  expect(measured).toMatchObject({ positive: 'malignant', threshold: 0.3, undefined: {} });
  expect([measured.rows, measured.positives]).toEqual([reference.rows, reference.positives]);
  // The artifact computes in 32 bits and scikit-learn in 64 bits. Counts are therefore equal, and sums of probabilities
  // nearly equal.
  const values = new Map<string, unknown>(Object.entries(measured));
  for (const [name, value] of Object.entries(reference.metrics)) expect(values.get(name), name).toBeCloseTo(value, 5);
  expect(evaluation.body.challengerInterval).not.toBeNull();
  expect(evaluation.body.gates.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass', 'not-applicable']);
}, 180_000);

test("the command line shows the metric of the classifier's gates", async () => {
  const { stdout } = await stack.perennial(['versions', '--model', 'breast-cancer']);
  expect(stdout).toContain('logLoss');
}, 120_000);

test('the classifier serves labels and probabilities, or only the requested outputs', async () => {
  const started = await stack.request('POST', '/v1/models/breast-cancer/deployments', { version: 1 });
  expect(started.status).toBe(202);
  const { id, digest } = await until('an approval is asked for', async () => {
    const { items } = await stack.get(z.object({ items: z.array(Approval) }), '/v1/approvals?status=pending');
    return items[0];
  });
  await stack.request('POST', `/v1/approvals/${id}/votes`, { decision: 'approve', digest }, 'approver');
  const ids = reference.ids;
  const both = await until('the release serves', async () => {
    const response = await infer(await requestOf(ids));
    return response.status === 200 ? Answer.parse(await response.json()) : undefined;
  });
  const [label, probabilities] = both.outputs;
  expect(label).toMatchObject({ datatype: 'BYTES', shape: [ids.length] });
  expect(probabilities).toMatchObject({ datatype: 'FP32', shape: [ids.length, 2] });
  expect(probabilities!.parameters).toEqual({ classes: ['benign', 'malignant'] });
  for (const [row, expected] of reference.probability.entries()) {
    expect(probabilities!.data[2 * row + 1]).toBeCloseTo(expected, 5);
    expect(label!.data[row]).toBe(expected > 0.5 ? 'malignant' : 'benign');
  }
  const one = Answer.parse(await (await infer(await requestOf([ids[0]!], [probabilities!.name]))).json());
  expect(one.outputs.map(({ name }) => name)).toEqual([probabilities!.name]);
  const unknown = await infer(await requestOf([ids[0]!], ['nonsense']));
  expect(unknown.status).toBe(400);
}, 120_000);

test('text labels give performance, measured as on the holdout', async () => {
  const rows = await tumours();
  const labels = reference.ids.map((id) => ({ id: `tumour-${id}`, value: rows.get(id)!['diagnosis'] }));
  const sent = await stack.request('POST', '/v1/models/breast-cancer/labels', labels);
  expect(sent).toMatchObject({ status: 200, body: { accepted: reference.rows, unknown: 0, refused: 0 } });
  const again = await stack.request('POST', '/v1/models/breast-cancer/labels', [
    labels[0],
    { ...labels[1], value: 'unclear' },
  ]);
  expect(again.body).toMatchObject({
    accepted: 0,
    repeated: 1,
    refused: 1,
    refusals: [{ value: 'unclear', reason: '"unclear" is not one of the classes, which are "benign", "malignant"' }],
  });
  await stack.json(z.unknown(), ['monitor', '--model', 'breast-cancer']);
  const { items } = await stack.get(z.object({ items: z.array(Report) }).loose(), '/v1/models/breast-cancer/reports');
  const performance = BinaryMetrics.parse(items[0]!.body.performance);
  expect(performance.rows).toBe(reference.rows);
  for (const name of ['rocAuc', 'recall', 'accuracy'] as const)
    expect(performance[name], name).toBeCloseTo(reference.metrics[name]!, 9);
  expect(performance.logLoss).toBeCloseTo(reference.metrics['logLoss']!, 5);
  expect(items[0]!.body.drift.map(({ subject }) => subject)).toContain('target');
}, 120_000);
