import type { Cell } from '../../contracts/data-types.ts';
import type { Database } from './lockedDatabase.ts';

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
  const { at, rows } = await sortValues(database, sample, (share, count) => {
    const place = share * (count - 1);
    return [Math.floor(place), Math.ceil(place)];
  });
  return sample.shares.flatMap((share) => {
    const place = share * (rows - 1);
    const [low, high] = [at(Math.floor(place)), at(Math.ceil(place))];
    return typeof low === 'number' && typeof high === 'number'
      ? [low + (high - low) * (place - Math.floor(place))]
      : [];
  });
}

/** Quantiles that are values: the smallest with at least that share of the values at or below it. */
export async function valueQuantiles(database: Database, sample: Sample): Promise<readonly (string | number)[]> {
  const place = (share: number, count: number): number => Math.max(0, Math.ceil(share * count) - 1);
  const { at, rows } = await sortValues(database, sample, (share, count) => [place(share, count)]);
  return sample.shares.flatMap((share) => {
    const value = at(place(share, rows));
    return typeof value === 'string' || typeof value === 'number' ? [value] : [];
  });
}

async function sortValues(
  database: Database,
  { value, from, shares }: Sample,
  placesOf: (share: number, rows: number) => readonly number[],
): Promise<{ readonly at: (place: number) => Cell | undefined; readonly rows: number }> {
  await database.run(
    `CREATE OR REPLACE TEMP TABLE sorted AS SELECT ${value} AS v FROM ${from} WHERE ${value} IS NOT NULL ORDER BY v`,
  );
  const rows = Number((await database.row('SELECT count(*) AS rows FROM sorted')).rows);
  const places = rows === 0 ? [] : [...new Set(shares.flatMap((share) => placesOf(share, rows)))];
  const found =
    places.length === 0
      ? []
      : await database.rows(`SELECT rowid AS place, v FROM sorted WHERE rowid IN (${places.join(', ')})`);
  await database.run('DROP TABLE sorted');
  const values = new Map(found.map(({ place, v }) => [place, v]));
  return { at: (place) => values.get(place), rows };
}
