import type { Cell } from '../../contracts/data-types.ts';
import type { Database } from './lockedDatabase.ts';
import { interpolatedAt, placesOf } from './quantile-places.ts';

interface Sample {
  /** SQL of the value. */
  readonly value: string;
  /** SQL of the rows. */
  readonly from: string;
  readonly shares: readonly number[];
}

/**
 * Quantiles interpolated linearly between the two nearest values (Hyndman and Fan's seventh), exactly and by a sort,
 * which spills to disk: DuckDB's own aggregates hold every value in memory. None without values.
 */
export async function interpolatedQuantiles(database: Database, sample: Sample): Promise<readonly number[]> {
  const { at, rows } = await sortValues(database, sample);
  return sample.shares.flatMap((share) => interpolatedAt(share, rows, at));
}

async function sortValues(
  database: Database,
  { value, from, shares }: Sample,
): Promise<{ readonly at: (place: number) => Cell | undefined; readonly rows: number }> {
  await database.run(
    `CREATE OR REPLACE TEMP TABLE sorted AS SELECT ${value} AS v FROM ${from} WHERE ${value} IS NOT NULL ORDER BY v`,
  );
  const rows = Number((await database.row('SELECT count(*) AS rows FROM sorted')).rows);
  const places = placesOf(shares, rows, true);
  const found =
    places.length === 0
      ? []
      : await database.rows(`SELECT rowid AS place, v FROM sorted WHERE rowid IN (${places.join(', ')})`);
  await database.run('DROP TABLE sorted');
  const values = new Map(found.map(({ place, v }) => [place, v]));
  return { at: (place) => values.get(place), rows };
}
