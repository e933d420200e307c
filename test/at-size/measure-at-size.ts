// Measures time and peak memory of monitoring and evaluating many rows:
//   node test/at-size/measure-at-size.ts monitor 20000000
//   node test/at-size/measure-at-size.ts evaluate 5000000
// Prints a line of JSON. A further argument names the drift test of numbers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { link, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../../activities/build/evaluation/evaluate.ts';
import { blocksOfRows } from '../../activities/build/evaluation/blocks-of-rows.ts';
import { cellsOfColumns, timesOf } from '../../activities/measurement/holdout-rows.ts';
import { holdoutSample } from '../../activities/measurement/holdout-samples.ts';
import { servedAnswers } from '../../activities/measurement/served-answers.ts';
import { readLabelledWindow } from '../../activities/measurement/labelled-window.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { referenceOfStored } from '../../activities/measurement/reference-of-stored.ts';
import { servedSample } from '../../activities/measurement/served-sample.ts';
import { compareColumns } from '../../activities/monitoring/compare-columns.ts';
import { wantedOf } from '../../activities/monitoring/counted-window.ts';
import { createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { Gate } from '../../contracts/configuration/gates.ts';
import { numbersIn } from '../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import type { Answers, LoadedModel } from '../../ports/model-format.ts';
import type { TableEngine } from '../../ports/table-engine.ts';
import { metricsOf } from '../../statistics/metrics/measure.ts';
import { configuration as input } from '../db/database-ground.ts';
import { sandboxIn } from '../support/lay-sandbox.ts';
import { featureNames, writeHoldout, writeSegments } from './make-rows.ts';

const [what = 'monitor', given = '20000000', other = 'psi'] = process.argv.slice(2);
const isMaking = what.startsWith('make-');
const rows = Number(given);
const digest = sha256OfBytes('at size');
const configuration = Configuration.parse({
  ...input,
  data: { ...input.data, features: featureNames, target: 'y', columns: {} },
  build: { ...input.build, metric: 'rmse' },
  monitor: { drift: { numeric: isMaking ? 'psi' : other, threshold: 0.05 } },
});

if (isMaking) await (what === 'make-monitor' ? writeSegments : writeHoldout)(other, rows);
else await measureIn(mkdtempSync(join(tmpdir(), 'perennial-at-size-')));

async function measureIn(root: string): Promise<void> {
  const engine = createDuckDbTableEngine({
    sandbox: sandboxIn(join(root, 'sandbox'), 'preferred'),
    scratchFolder: join(root, 'scratch'),
    timeLimitMs: 3_600_000,
  });
  try {
    const folder = join(root, 'rows');
    // In a process of its own, whose memory does not count.
    await runHere(`make-${what}`, folder);
    const files = readdirSync(folder).map((name) => join(folder, name));
    const table = watchTableProcesses();
    const began = performance.now();
    const result = what === 'monitor' ? await monitor(engine, files, root) : await evaluateRows(engine, files, root);
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    const processMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    process.stdout.write(
      `${JSON.stringify({ what, rows, seconds, processMiB, tableMiB: table.peakMiB(), ...result })}\n`,
    );
  } finally {
    await engine.close();
    await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function runHere(step: string, folder: string): Promise<void> {
  const child = spawn(process.execPath, [import.meta.filename, step, String(rows), folder], { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${step} ended with ${String(code)}`);
}

/** Half of the predictions have labels. */
async function monitor(engine: TableEngine, files: readonly string[], root: string): Promise<object> {
  const some = await engine.storeColumns({
    files: files.slice(0, 1),
    columns: [...featureNames.map((name) => `f_${name}`), 'prediction'],
    path: join(root, 'reference.columns'),
  });
  const features = [];
  for (const name of featureNames) features.push({ ...(await referenceOfStored(some, `f_${name}`)), name });
  const prediction = await referenceOfStored(some, 'prediction', 'numeric');
  const reference = { schemaVersion: 1 as const, features, prediction, target: referenceOf('y', [0, 1], 'numeric') };
  const at = '2026-01-01T12:00:00.000Z';
  const monitoring = {
    hasLabels: async () => true,
    labels: async (_scope: unknown, ids: readonly string[]) =>
      ids.filter((id) => id < '8').map((id) => ({ id, value: Number.parseInt(id.slice(0, 6), 16) / 2 ** 24, at })),
  };
  const objectStore = {
    getFile: (place: string, to: string) => link(files[Number(place)]!, to),
  };
  const deps = { repositories: { monitoring }, objectStore, tableEngine: engine } as never;
  const scope = { project: 'p', projectId: 'p', model: 'm', modelId: 'm', environment: 'e' };
  const window = {
    segments: files.map((_, place) => String(place)),
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-02T00:00:00.000Z',
  };
  const wanted = wantedOf(reference, configuration.monitor.drift);
  const served = await readLabelledWindow(deps, scope, window, 'regression', {
    folder: join(root, 'window'),
    ...wanted,
  });
  const { drift } = await compareColumns(served, reference, configuration, null);
  const sample = await servedSample(
    deps,
    'm',
    configuration,
    servedAnswers(served, ({ row }) => served.labels.at(row)),
  );
  const performance = sample === null ? null : metricsOf(sample);
  return { predictions: served.rows, labelled: performance?.rows, compared: drift.length };
}

/** A model that adds the numbers of a row. */
function sumOfInputs(names: readonly string[], weight: number): LoadedModel {
  const signature: Signature = {
    schemaVersion: 1,
    layout: 'columns',
    inputs: names.map((name) => ({ name, type: 'FP32' })),
    output: { name: 'y', type: 'FP32' },
  };
  const predict = async (batch: ColumnBatch): Promise<Answers> => {
    const values = new Float64Array(batch.rows);
    for (const at of names.keys()) {
      const column = numbersIn(batch, at);
      for (let row = 0; row < batch.rows; row += 1) values[row]! += weight * (column[row] || 0);
    }
    return { rows: batch.rows, values, probabilities: null, vectors: {}, failures: [] };
  };
  return { signature, predict, predictEach: predict, release: async () => undefined };
}

async function evaluateRows(engine: TableEngine, files: readonly string[], root: string): Promise<object> {
  const columns = ['_at', ...featureNames, 'y'];
  const holdout = await engine.storeColumns({ files, columns, target: 'y', path: join(root, 'holdout.columns') });
  const numbers = featureNames.filter((name) => name !== 'x1');
  const asked = { configuration, holdout, target: 'y', classes: [] };
  const [from, to] = ['2026-01-01T00:00:00.000Z', '2030-01-01T00:00:00.000Z'];
  const body = evaluate({
    modelVersionDigest: digest,
    championVersionDigest: digest,
    holdout: digest,
    metric: 'rmse',
    confidence: 0.9,
    gates: [
      Gate.parse({ metric: 'mae', versus: 'champion', minGain: 0, confidence: 0.9 }),
      Gate.parse({ metric: 'mae', slice: 'x1', max: 1_000 }),
    ],
    seed: 7,
    rows: {
      challenger: await holdoutSample(sumOfInputs(numbers, 0.01), asked),
      champion: await holdoutSample(sumOfInputs(numbers, 0.02), asked),
      blocks: blocksOfRows(await timesOf(holdout), from, to, '1h', 'UTC'),
      slices: await cellsOfColumns(holdout, ['x1']),
      trainedOn: Array<boolean>(holdout.rows).fill(false),
    },
  });
  return { measured: body.challenger.rows, slices: body.slices.length, verdict: body.verdict };
}

function watchTableProcesses(): { peakMiB(): number } {
  let peak = 0;
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('table-engine/process/table-process-main.ts'))
          continue;
        const kibibytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
        peak = Math.max(peak, Math.round(kibibytes / 1024));
      } catch {
        // The process has ended meanwhile.
      }
  };
  const timer = setInterval(look, 100).unref();
  return {
    peakMiB() {
      clearInterval(timer);
      return peak;
    },
  };
}
