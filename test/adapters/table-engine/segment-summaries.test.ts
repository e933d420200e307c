import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Counting, SegmentSummary } from '../../../ports/segment-summary.ts';
import type { ReadServed, ServedWindow } from '../../../ports/served-window.ts';
import { seededUniform } from '../../../statistics/probability/seeded-random.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const begin = Date.parse('2026-01-01T00:00:00.000Z');
const counting: Counting = {
  features: {
    number: { kind: 'numeric', bounds: [-1, 0, 0.5, 2] },
    text: { kind: 'categorical' },
    flag: { kind: 'categorical' },
    changing: { kind: 'categorical' },
    absent: { kind: 'categorical' },
  },
  prediction: { kind: 'numeric', bounds: [0.25, 0.5, 0.75] },
};

interface Kinds {
  /** Whether the segment has the feature `changing` as a text instead of a number. */
  readonly isText: boolean;
  readonly rows: number;
  readonly firstId: number;
  readonly at: number;
}

/** Writes a segment of random rows, with failed, replayed and shadow rows, missing values and several releases. */
async function segment(random: () => number, { isText, rows, firstId, at }: Kinds): Promise<string> {
  const any = <Value>(...values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
  const lines = Array.from({ length: rows }, (_, row) => {
    const happened = `epoch_ms(${at + Math.floor(random() * 1_800_000)}::BIGINT)`;
    const changing = any('1', '2', '3');
    return `('p${firstId + row}', ${happened}, ${happened}, repeat('${any('a', 'b')}', 64), ${any(1, 2)}, 1, '${any('champion', 'champion', 'canary', 'shadow')}',
      ${random() < 0.1}, ${random() < 0.1 ? 'NULL' : random()}, ${any('NULL', '0.5', `${random() * 4 - 2}`)}, ${any('NULL', "'ä'", "'b'", "'c'")},
      ${any('NULL', 'true', 'false')}, ${isText ? `'${changing}'` : changing})`;
  });
  const { path } = await bench.parquet(
    `segment-${firstId}-${at}.parquet`,
    `SELECT id, happened AS event_time, recorded AS recorded_at, release, model_version::BIGINT AS model_version, generation::BIGINT AS generation,
      role, replay, prediction::DOUBLE AS prediction, number::DOUBLE AS f_number, text::VARCHAR AS f_text, flag::BOOLEAN AS f_flag,
      changing::${isText ? 'VARCHAR' : 'DOUBLE'} AS f_changing
     FROM (VALUES ${lines.join(', ')}) AS given(id, happened, recorded, release, model_version, generation, role, replay, prediction, number, text, flag, changing)`,
  );
  return path;
}

async function summariesBy(paths: readonly string[], of: Counting = counting): Promise<Record<string, SegmentSummary>> {
  const summaries = await bench.engine.summariseSegments({ segments: paths, counting: of });
  return Object.fromEntries(paths.map((path, at) => [path, summaries[at]!]));
}

async function read(request: Omit<ReadServed, 'path'>): Promise<Omit<ServedWindow, 'stored'>> {
  const { stored: _stored, ...window } = await bench.engine.readServed({
    ...request,
    path: join(bench.folder(), 'served.columns'),
  });
  return window;
}

const wanted = { counts: counting.features, prediction: counting.prediction, parts: 24 };
const seeds = [1, 2, 3, 4];

test.each(seeds)(
  'a window read from summaries equals the same window read from rows (seed %i)',
  async (seed) => {
    const random = seededUniform(seed);
    const paths: string[] = [];
    let firstId = 0;
    for (let at = 0; at < 8; at += 1) {
      const rows = 1 + Math.floor(random() * 60);
      paths.push(await segment(random, { isText: seed === 3 && at === 4, rows, firstId, at: begin + at * 1_800_000 }));
      // In some runs, segments share ids.
      firstId += seed % 2 === 0 ? rows : Math.max(1, rows - 5);
    }
    const summaries = await summariesBy(paths);
    for (const [from, to] of [
      [0, 8],
      [0.5, 7.5],
      [1, 6],
      [9, 12],
    ] as const) {
      const window = {
        segments: paths,
        from: new Date(begin + from * 1_800_000).toISOString(),
        to: new Date(begin + to * 1_800_000).toISOString(),
        ...wanted,
      };
      const expected = await read(window);
      expect(await read({ ...window, summaries })).toEqual(expected);
      const some = Object.fromEntries(Object.entries(summaries).filter((_, at) => at % 3 !== 0));
      expect(await read({ ...window, summaries: some, storesRows: false })).toEqual({ ...expected, width: 0 });
      if (seed % 2 === 0)
        expect(await read({ ...window, summaries, storesRows: false, distinctIds: true })).toEqual(expected);
    }
  },
  60_000,
);

test('a segment whose summary says enough is not even fetched', async () => {
  const random = seededUniform(9);
  const paths = [];
  for (const at of [0, 1, 2])
    paths.push(await segment(random, { isText: false, rows: 40, firstId: at * 40, at: begin + at * 1_800_000 }));
  const asked: string[] = [];
  const window = {
    segments: paths,
    summaries: await summariesBy(paths),
    from: new Date(begin + 900_000).toISOString(),
    to: new Date(begin + 7_200_000).toISOString(),
    ...wanted,
    parts: 1,
    storesRows: false,
    distinctIds: true,
    supply: async (wantedPaths: readonly string[]) => void asked.push(...wantedPaths),
  };
  const { summaries: _summaries, supply: _supply, ...plain } = window;
  expect(await read(window)).toEqual(await read(plain));
  expect(asked).toEqual([paths[0]]);
  asked.length = 0;
  await read({ ...window, distinctIds: false });
  expect(asked.toSorted()).toEqual(paths.toSorted());
});

test('values that a summary cannot hold are counted from the rows', async () => {
  const { path } = await bench.parquet(
    'many.parquet',
    `SELECT 'p' || i AS id, TIMESTAMP '2026-01-01' AS event_time, TIMESTAMP '2026-01-01' AS recorded_at, repeat('a', 64) AS release,
      1::BIGINT AS model_version, 1::BIGINT AS generation, 'champion' AS role, false AS replay, 0.5 AS prediction,
      'value ' || i AS f_text, CASE WHEN i < 5 THEN 'nul ' || chr(0) ELSE 'b' END AS f_flag, i::DOUBLE AS f_number FROM range(5000) AS given(i)`,
  );
  const summaries = await summariesBy([path]);
  expect(summaries[path]!.features).toMatchObject({ flag: { values: null }, number: { values: { present: 5000 } } });
  const window = { segments: [path], from: '2026-01-01T00:00:00.000Z', to: '2026-01-02T00:00:00.000Z', ...wanted };
  const expected = await read(window);
  expect(expected.counts['text']).toMatchObject({ present: 5000 });
  expect(await read({ ...window, summaries, storesRows: false, distinctIds: true })).toEqual(expected);
});
