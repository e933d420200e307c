import { dirname } from 'node:path';
import type { CountedValues, WantedCounts } from '../../../ports/served-window.ts';
import type { WrittenColumn } from '../columns/write-columns.ts';
import { writeColumns } from '../columns/write-columns.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier } from '../sql.ts';
import { countValuesOf } from './count-values.ts';
import type { ServedSelection } from './select-served.ts';
import { selectServed } from './select-served.ts';

type Request = Operations['readServed']['request'];
type Result = Operations['readServed']['result'];

/** Counts the values of a window's predictions, and writes the rows that metrics and estimates need. */
export async function readServed(request: Request, workplace: TableWorkplace): Promise<Result> {
  const { segments, path } = request;
  const database = await workplace.open({ readable: segments, writable: [dirname(path)], columns: 0 });
  if (segments.length === 0) {
    const file = await writeColumns(database, keptColumns(new Map(), 0, []), emptyRows, path);
    return { failed: 0, repeatedIds: null, releases: [], counts: {}, prediction: null, width: 0, file };
  }
  const selection = await selectServed(database, request);
  const { types, indexed, repeatedIds, releases } = selection;
  const { failed, width } = await summaryOf(database, selection);
  const counts = await countsOfFeatures(database, selection, request.counts ?? {});
  const prediction =
    request.prediction === undefined ? null : await countOf(database, selection, 'prediction', request.prediction);
  const features = (request.features ?? []).filter((name) => types.has(`f_${name}`));
  const file = await writeColumns(database, keptColumns(types, width, features), indexed, path);
  return { failed, repeatedIds, releases, counts, prediction, width, file };
}

const emptyRows =
  "(SELECT '' AS id, TIMESTAMP '1970-01-01' AS event_time, 0::DOUBLE AS release_index, 0::DOUBLE AS prediction WHERE false)";

async function summaryOf(
  database: LockedDatabase,
  { from, types }: ServedSelection,
): Promise<{ readonly failed: number; readonly width: number }> {
  const width = types.has('probabilities') ? 'coalesce(max(len(probabilities)), 0)' : '0';
  const { failed, most } = await database.row(
    `SELECT count(*) - count(prediction) AS failed, ${width} AS most FROM ${from}`,
  );
  return { failed: Number(failed), width: Number(most) };
}

async function countsOfFeatures(
  database: LockedDatabase,
  { from, types }: ServedSelection,
  wanted: Readonly<Record<string, WantedCounts>>,
): Promise<Record<string, CountedValues>> {
  const there = Object.entries(wanted).flatMap(([feature, of]) => {
    const name = `f_${feature}`;
    const type = types.get(name);
    return type === undefined ? [] : [{ feature, name, type, wanted: of }];
  });
  const counted = await countValuesOf(database, from, there);
  return Object.fromEntries(
    there.flatMap(({ feature }, at) => {
      const values = counted[at];
      return values === undefined ? [] : [[feature, values]];
    }),
  );
}

async function countOf(
  database: LockedDatabase,
  { from, types }: ServedSelection,
  name: string,
  wanted: WantedCounts,
): Promise<CountedValues | null> {
  const [counted] = await countValuesOf(database, from, [{ name, type: types.get(name) ?? 'DOUBLE', wanted }]);
  return counted ?? null;
}

function keptColumns(
  types: ReadonlyMap<string, string>,
  width: number,
  features: readonly string[],
): readonly WrittenColumn[] {
  const shares = Array.from({ length: width }, (_, place): WrittenColumn => {
    return { name: `share ${place}`, kind: 'number', sql: `probabilities[${place + 1}]` };
  });
  return [
    { name: 'id', kind: 'text', sql: 'id' },
    { name: 'at', kind: 'number', sql: 'epoch_ms(event_time)::DOUBLE' },
    { name: 'release', kind: 'number', sql: 'release_index' },
    servedColumn('prediction', 'prediction', types.get('prediction')),
    ...(width === 0 ? [] : [{ name: 'shares', kind: 'number' as const, sql: 'len(probabilities)::DOUBLE' }, ...shares]),
    ...features.map((name) => servedColumn(`feature ${name}`, `f_${name}`, types.get(`f_${name}`))),
  ];
}

/** Segments have numbers, booleans and texts. */
function servedColumn(name: string, column: string, type = 'DOUBLE'): WrittenColumn {
  if (type === 'VARCHAR') return { name, kind: 'text', sql: identifier(column) };
  const isBoolean = type === 'BOOLEAN';
  const number = isBoolean ? `CAST(${identifier(column)} AS INTEGER)` : identifier(column);
  return { name, kind: isBoolean ? 'boolean' : 'number', sql: `${number}::DOUBLE` };
}
