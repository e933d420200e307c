import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../examples/bike-demand/hour.csv', import.meta.url), 'utf8');
const [header = '', ...lines] = text.trim().split('\n');
const names = header.split(',');
const rows = lines.map((line) => line.split(','));
const monthAt = names.indexOf('dteday');

/** Returns a numeric column of the bike data for whole months, both inclusive: `'2011-01'` to `'2011-06'`. */
export function bikeColumn(column: string, [from, to]: readonly [string, string]): number[] {
  const at = names.indexOf(column);
  return rows
    .filter((row) => {
      const month = row[monthAt]!.slice(0, 7);
      return from <= month && month <= to;
    })
    .map((row) => Number(row[at]));
}
