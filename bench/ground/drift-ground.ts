import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import type { BenchContext } from '../running/bench-context.ts';
import { runToEnd } from '../running/start-program.ts';
import { type BenchStack, startBenchStack } from './bench-stack.ts';
import { flushLog } from './flush-log.ts';
import { pythonWith } from './python-environment.ts';
import { thisCheckout } from './served-classifier.ts';
import { newestRun } from './stack-run.ts';

const features = Array.from({ length: 20 }, (_, at) => `f${String(at).padStart(2, '0')}`);
const model = 'drifting';
const rowsOfRequest = 1000;
const atOnce = 4;

const Result = z
  .object({ column: z.string(), subject: z.string(), statistic: z.number(), pValue: z.number().nullable() })
  .loose();
const Report = z.object({ body: z.object({ rows: z.number().optional(), drift: z.array(Result) }).loose() }).loose();
const Reports = z.object({ items: z.array(Report) }).loose();

export interface DriftValue {
  readonly column: string;
  readonly statistic: number;
  readonly pValue: number | null;
}

/** A model of 20 features, and as many served predictions as it has training rows. */
export interface DriftGround {
  /** The folder of reference.parquet and current.parquet. */
  readonly folder: string;
  /**
   * Makes a report with this test. Returns the seconds of its run, and the values of the features.
   *
   * @param estimate whether the report also estimates the losses without labels, as it does by default.
   */
  report(
    test: string,
    estimate: boolean,
  ): Promise<{ readonly seconds: number; readonly values: readonly DriftValue[] }>;
}

export async function layDriftGround(bench: BenchContext, rows: number): Promise<DriftGround> {
  const folder = join(bench.scratch, 'sets');
  await mkdir(folder);
  const lock = join(thisCheckout, 'examples/bike-demand/train/requirements.lock');
  await runToEnd(bench, await pythonWith(bench, lock), [
    join(import.meta.dirname, 'make_drift_sets.py'),
    folder,
    String(rows),
  ]);
  const stack = await startBenchStack(bench, { root: thisCheckout, home: join(bench.scratch, 'home') });
  const file = await writeModelFolder(bench, folder);
  const apply = async (test: string, estimate: boolean): Promise<void> => {
    await writeFile(file, stringify(configurationWith(test, estimate)));
    await stack.perennial(['apply', '-f', file, '--json']);
  };
  await apply('psi', true);
  bench.say('  ingesting the training rows, building and deploying');
  await stack.perennial(['data', 'ingest', join(folder, 'training.parquet'), '-m', model, '--json']);
  await stack.perennial(['build', '-m', model, '--as-of', '2020-02-02T00:00:00Z', '--json']);
  await stack.deploy(model, 1);
  await serveRows(bench, stack, join(folder, 'current.f32'), rows);
  return {
    folder,
    async report(test, estimate) {
      await apply(test, estimate);
      const { run } = z
        .object({ run: z.object({ id: z.string() }).loose() })
        .loose()
        .parse(await stack.ask('POST', `/v1/models/${model}/reports`, {}));
      await ended(bench, stack, run.id);
      const { milliseconds, steps } = await newestRun(stack, model, 'monitor');
      bench.say(`    ${steps.map((step) => `${step.name} ${step.milliseconds} ms`).join(', ')}`);
      const [report] = Reports.parse(await stack.ask('GET', `/v1/models/${model}/reports?limit=1`)).items;
      return {
        seconds: milliseconds / 1000,
        values: (report?.body.drift ?? []).filter(({ subject }) => subject === 'feature'),
      };
    },
  };
}

function configurationWith(test: string, estimate: boolean): object {
  return {
    schemaVersion: 1,
    name: model,
    task: 'regression',
    owner: 'bench',
    data: { source: { path: 'training.parquet' }, key: 'id', timestamp: 'at', target: 'target', features },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: { holdout: { last: '1 day' }, gates: [{ metric: 'rmse', max: 1000 }] },
    deploy: { strategy: { canary: [100], bake: '1s', minRequests: 0 } },
    monitor: { drift: { numeric: test }, estimate },
  };
}

async function writeModelFolder(bench: BenchContext, sets: string): Promise<string> {
  const folder = join(bench.scratch, 'model');
  await mkdir(join(folder, 'train'), { recursive: true });
  await copyFile(join(sets, 'model.onnx'), join(folder, 'train', 'model.onnx'));
  await writeFile(join(folder, 'train', 'train.sh'), 'cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n');
  return join(folder, 'perennial.yaml');
}

/** Sends the rows of a file of float32 through the gateway, and waits until the log has been uploaded. */
async function serveRows(bench: BenchContext, stack: BenchStack, file: string, rows: number): Promise<void> {
  const bytes = await readFile(file);
  const rowBytes = features.length * 4;
  const headers = { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/octet-stream' };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < rows) {
      bench.signal.throwIfAborted();
      const from = next;
      next += rowsOfRequest;
      const count = Math.min(rowsOfRequest, rows - from);
      const values = bytes.subarray(from * rowBytes, (from + count) * rowBytes);
      const parameters = { binary_data_size: values.length };
      const shape = [count, features.length];
      const head = Buffer.from(JSON.stringify({ inputs: [{ name: 'X', datatype: 'FP32', shape, parameters }] }));
      const answer = await fetch(`${stack.gateway}/v2/models/${model}/infer`, {
        method: 'POST',
        headers: { ...headers, 'inference-header-content-length': String(head.length) },
        body: Buffer.concat([head, values]),
      });
      if (!answer.ok) throw new Error(`the gateway answered ${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
      if (from % 200_000 === 0) bench.say(`  served ${from.toLocaleString('en')} of ${rows.toLocaleString('en')} rows`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await flushLog(stack.gateway, stack.keys.operator, model);
}

async function ended(bench: BenchContext, stack: BenchStack, id: string): Promise<void> {
  for (;;) {
    bench.signal.throwIfAborted();
    const { state } = z
      .object({ state: z.string() })
      .loose()
      .parse(await stack.ask('GET', `/v1/runs/${id}`));
    if (state === 'succeeded') return;
    if (state === 'failed' || state === 'cancelled') throw new Error(`the report's run ${id} ended as ${state}`);
    await pause(200);
  }
}
