import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededUniform } from '../../../statistics/probability/seeded-random.ts';
import { servedRows } from '../../support/served-rows.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const begin = Date.parse('2026-01-01T00:00:00.000Z');
const releases = ['a', 'b', 'c'].map((letter) => letter.repeat(64));

interface Kinds {
  readonly prediction: 'DOUBLE' | 'VARCHAR' | 'BOOLEAN';
  readonly withShares: boolean;
}

/** Writes a segment of random rows of several releases, with failed, replayed and shadow rows. */
async function segment(random: () => number, place: number, { prediction, withShares }: Kinds): Promise<string> {
  const any = <Value>(...values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
  const values = {
    DOUBLE: () => String(random()),
    VARCHAR: () => any("'ä'", "'b'"),
    BOOLEAN: () => any('true', 'false'),
  };
  const lines = Array.from({ length: 40 }, (_, row) => {
    const happened = `epoch_ms(${begin + place * 1_000 + Math.floor(random() * 1_000)}::BIGINT)`;
    return `('p${place}-${row}', ${happened}, '${any(...releases.slice(0, 2))}', '${any('champion', 'canary', 'shadow')}',
      ${random() < 0.1}, ${random() < 0.1 ? 'NULL' : values[prediction]()}, ${random() < 0.3 ? 'NULL' : `[${random()}, ${random()}]`}, ${random()})`;
  });
  const { path } = await bench.parquet(
    `segment-${place}.parquet`,
    `SELECT id, happened AS event_time, happened AS recorded_at, release, 3::BIGINT AS model_version, 1::BIGINT AS generation,
      role, replay, prediction::${prediction} AS prediction, ${withShares ? 'probabilities::DOUBLE[] AS probabilities,' : ''} x::DOUBLE AS f_x
     FROM (VALUES ${lines.join(', ')}) AS given(id, happened, release, role, replay, prediction, probabilities, x)`,
  );
  return path;
}

test.each([
  { prediction: 'DOUBLE', withShares: false },
  { prediction: 'VARCHAR', withShares: true },
  { prediction: 'BOOLEAN', withShares: true },
] as const)('kept answers are the rows of one release ($prediction)', async (kinds) => {
  const random = seededUniform(11);
  const paths = [await segment(random, 0, kinds), await segment(random, 1, kinds), await segment(random, 2, kinds)];
  for (const release of releases) {
    const folder = bench.folder();
    const answers = paths.map((_, at) => join(folder, `answers-${at}`));
    await bench.engine.keepAnswers({ segments: paths.map((path, at) => ({ path, answers: answers[at]! })), release });
    // Both edges cut a segment.
    const window = { from: new Date(begin + 500).toISOString(), to: new Date(begin + 2_500).toISOString(), folder };
    const all = await servedRows(bench.engine, { segments: paths, ...window });
    const kept = await servedRows(bench.engine, { segments: answers, ...window });
    const places = all.releases.flatMap((answering, at) => (answering === release ? [at] : []));
    const own = <Value>(column: readonly Value[]) => places.map((at) => column[at]);
    expect(kept.rows).toBe(places.length);
    expect(kept.ids).toEqual(own(all.ids));
    expect(kept.eventTimesMs).toEqual(own(all.eventTimesMs));
    expect(kept.predictions).toEqual(own(all.predictions));
    expect(kept.probabilities).toEqual(own(all.probabilities));
    expect(kept.rows > 0).toBe(release !== releases[2]);
  }
});
