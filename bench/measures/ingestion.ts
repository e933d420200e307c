import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type BenchStack, startBenchStack } from '../ground/bench-stack.ts';
import { sensorFeatures, writeSensorRows } from '../ground/sensor-rows.ts';
import { newestRun } from '../ground/stack-run.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure, Figure } from '../running/bench-measure.ts';
import { compareInRounds, medianOf, threeDigits } from '../running/compare-in-rounds.ts';
import { versionOfPackage } from '../running/describe-machine.ts';
import { watchMemory } from '../running/memory-watch.ts';
import { runToEnd } from '../running/start-program.ts';

const root = join(import.meta.dirname, '..', '..');
const batch = 1000;

export const ingestion: BenchMeasure = {
  name: 'ingestion',
  summary: 'the first ingestion of a CSV file beside bare DuckDB, and appends of 1,000 rows to it',
  takes: '10 min',
  inShortForm: false,
  async run(bench) {
    const rows = bench.short ? 400_000 : 4_000_000;
    const csv = join(bench.scratch, 'rows.csv');
    await writeSensorRows(csv, 0, rows);
    const stack = await startBenchStack(bench, { root, home: join(bench.scratch, 'home') });
    const memory = watchMemory(stack.pid);
    bench.onEnd(async () => memory.stop());
    let model = '';
    let number = 0;
    const perennial = {
      name: 'perennial',
      once: async () => {
        number += 1;
        model = `sensors-${number}`;
        await stack.perennial(['apply', '-f', await writeModel(bench, model), '--json']);
        await stack.perennial(['data', 'ingest', csv, '-m', model, '--json']);
        const run = await newestRun(stack, model, 'data');
        bench.say(
          `    ${run.steps.map((step) => `${step.name} ${threeDigits(step.milliseconds / 1000)} s`).join(', ')}`,
        );
        return { value: (1000 * rows) / run.milliseconds };
      },
    };
    const program = join(import.meta.dirname, '..', 'floor', 'bare-ingestion.ts');
    const bare = {
      name: 'bare DuckDB',
      once: async () => {
        const said = await runToEnd(bench, process.execPath, [program, csv, join(bench.scratch, 'bare.parquet')]);
        return { value: (1000 * rows) / Number(said) };
      },
    };
    const comparison = await compareInRounds(bench, {
      name: `first ingestion of ${rows.toLocaleString('en')} rows of CSV`,
      unit: 'rows/s',
      moreIsBetter: true,
      contestants: [perennial, bare],
      ratios: [
        { name: 'perennial / bare DuckDB', of: 'perennial', over: 'bare DuckDB', target: { must: 0.35, aim: 0.5 } },
      ],
    });
    const first = memory.peak();
    const figures: Figure[] = [
      {
        name: `largest process while ${rows.toLocaleString('en')} rows were ingested (${first.command})`,
        value: first.mebibytes,
        unit: 'MiB',
        target: { must: 1024, atMost: true },
      },
      ...(await appends(bench, stack, model, rows)),
    ];
    return {
      comparisons: [comparison],
      figures,
      absent: [],
      versions: { DuckDB: await versionOfPackage('@duckdb/node-api') },
      notes: [],
    };
  },
};

async function writeModel(bench: BenchContext, name: string): Promise<string> {
  const folder = join(bench.scratch, name);
  await mkdir(join(folder, 'train'), { recursive: true });
  await writeFile(join(folder, 'train', 'train.sh'), 'exit 1\n');
  const file = join(folder, 'perennial.yaml');
  const configuration = {
    schemaVersion: 1,
    name,
    task: 'regression',
    owner: 'bench',
    data: {
      source: { path: 'rows.csv' },
      timestamp: 'at',
      key: 'id',
      target: 'count',
      features: [...sensorFeatures],
    },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: { holdout: { last: '2 days' }, gates: [{ metric: 'rmse', max: 10 }] },
  };
  await writeFile(file, stringify(configuration));
  return file;
}

/** Appends of 1,000 rows, one after the other, as a source does day by day. */
async function appends(bench: BenchContext, stack: BenchStack, model: string, rows: number): Promise<Figure[]> {
  const count = bench.short ? 5 : 200;
  const seconds: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const csv = join(bench.scratch, `append-${number}.csv`);
    await writeSensorRows(csv, rows + number * batch, rows + (number + 1) * batch);
    await stack.perennial(['data', 'ingest', csv, '-m', model, '--json']);
    seconds.push((await newestRun(stack, model, 'data')).milliseconds / 1000);
    if (number % 20 === 0) bench.say(`  append ${number + 1} of ${count}: ${threeDigits(seconds.at(-1) ?? 0)} s`);
  }
  const few = Math.max(1, Math.min(10, Math.floor(count / 3)));
  const [early, late] = [medianOf(seconds.slice(0, few)), medianOf(seconds.slice(-few))];
  const onto = `${batch.toLocaleString('en')} rows to ${rows.toLocaleString('en')}`;
  return [
    {
      name: `an append of ${onto}, median of ${count}`,
      value: medianOf(seconds),
      unit: 's',
      target: { must: 2, atMost: true },
    },
    {
      name: `the last ${few} of ${count} appends over the first ${few}, medians`,
      value: late / early,
      unit: 'times',
      target: { must: 1.3, atMost: true },
    },
  ];
}
