import { dirname } from 'node:path';
import type { ReadServed } from '../../../ports/served-window.ts';
import type { SegmentSummary } from '../../../ports/segment-summary.ts';
import type { WrittenColumn } from '../columns/write-columns.ts';
import { writeColumns } from '../columns/write-columns.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, literal } from '../sql.ts';
import type { AddedSummaries } from './add-summaries.ts';
import { addSummaries } from './add-summaries.ts';
import { mostDistinct } from './count-values.ts';
import type { ServedSelection } from './select-served.ts';
import { selectServed } from './select-served.ts';
import { summariseRows } from './summarise-rows.ts';
import type { WholeSegments } from './whole-segments.ts';
import { agree, partOfWindow, unsummarised, wholeSegments } from './whole-segments.ts';

type Request = Operations['readServed']['request'];
type Result = Operations['readServed']['result'];

/** Counts the values of a window's predictions, and writes the rows that metrics and estimates need. */
export async function readServed(request: Request, workplace: TableWorkplace): Promise<Result> {
  const { segments, path, storesRows = true } = request;
  const database = await workplace.open({ readable: segments, writable: [dirname(path)], columns: 0 });
  const { selection, whole, onlyRows } = await selectIn(database, request, workplace);
  const counted = await countedRest(database, request, { selection, whole, onlyRows });
  const { releases, ...added } = addSummaries(counted, [...whole.values()], onlyRows);
  const width = storesRows && selection !== null ? await widthOf(database, selection) : 0;
  const file = await writeRows(database, request, { selection: storesRows ? selection : null, width, releases });
  return {
    ...added,
    repeatedIds: selection?.repeatedIds ?? null,
    releases: releases.map(({ first: _first, ...release }) => release),
    volume: await volumeIn(database, request, { selection, whole }),
    width,
    file,
  };
}

interface Selected {
  /** Null if no row is read. */
  readonly selection: ServedSelection | null;
  /** Segments whose summaries are used. */
  readonly whole: WholeSegments;
  /** Columns, as in a segment, that the summaries lack. */
  readonly onlyRows: ReadonlySet<string>;
}

/** Reads no more segments than necessary. If the summaries cannot be added to the rows, everything is read. */
async function selectIn(
  database: LockedDatabase,
  request: Request,
  { supply }: Pick<TableWorkplace, 'supply'>,
): Promise<Selected> {
  const { segments, storesRows = true, distinctIds = false, parts = 0 } = request;
  const whole = wholeSegments(request);
  const onlyRows = unsummarised(whole, request);
  const isNeeded = (path: string): boolean => {
    const summary = whole.get(path);
    return summary === undefined || (parts > 0 && partOfWindow(summary, request, parts) === null);
  };
  const read = storesRows || !distinctIds || onlyRows.size > 0 ? segments : segments.filter(isNeeded);
  await supply(read);
  if (read.length === 0) return { selection: null, whole, onlyRows };
  const selection = await selectServed(database, { ...request, segments: read });
  if (agree(whole, selection.types)) {
    const left = [...whole].filter(([path]) => !selection.repeating.includes(path));
    return { selection, whole: new Map(left), onlyRows };
  }
  const others = segments.filter((path) => !read.includes(path));
  await supply(others);
  const all = others.length === 0 ? selection : await selectServed(database, request);
  return { selection: all, whole: new Map(), onlyRows: new Set() };
}

const noRows: SegmentSummary = {
  schemaVersion: 1,
  rows: 0,
  failed: 0,
  times: null,
  releases: [],
  features: {},
  prediction: { type: 'DOUBLE', values: null },
};

/** Summarises the rows of the segments that are not whole, and counts the other columns in all rows. */
async function countedRest(
  database: LockedDatabase,
  { counts = {}, prediction }: Pick<ReadServed, 'counts' | 'prediction'>,
  { selection, whole, onlyRows }: Selected,
): Promise<SegmentSummary> {
  if (selection === null) return noRows;
  const { types } = selection;
  const wanted = Object.entries(counts);
  const partly = await summariseRows(
    database,
    { from: without(selection, whole.keys()), types, mostDistinct },
    {
      features: Object.fromEntries(wanted.filter(([name]) => !onlyRows.has(`f_${name}`))),
      ...(prediction === undefined || onlyRows.has('prediction') ? {} : { prediction }),
    },
  );
  if (onlyRows.size === 0) return partly;
  const wholly = await summariseRows(
    database,
    { from: selection.from, types, mostDistinct },
    {
      features: Object.fromEntries(wanted.filter(([name]) => onlyRows.has(`f_${name}`))),
      ...(prediction === undefined || !onlyRows.has('prediction') ? {} : { prediction }),
    },
  );
  return {
    ...partly,
    features: { ...partly.features, ...wholly.features },
    prediction: onlyRows.has('prediction') ? wholly.prediction : partly.prediction,
  };
}

/** Returns SQL of the selection's rows outside of some segments. */
function without({ from }: ServedSelection, paths: Iterable<string>): string {
  const left = [...paths].map(literal);
  return left.length === 0 ? from : `(SELECT * FROM ${from} WHERE filename NOT IN (${left.join(', ')}))`;
}

async function volumeIn(
  database: LockedDatabase,
  { from, to, parts = 0 }: Pick<ReadServed, 'from' | 'to' | 'parts'>,
  { selection, whole }: Pick<Selected, 'selection' | 'whole'>,
): Promise<number[]> {
  const volume = Array.from({ length: parts }, () => 0);
  const add = (part: number, rows: number): void => void (volume[part] = (volume[part] ?? 0) + rows);
  if (parts === 0) return volume;
  const inOnePart = [...whole].flatMap(([path, summary]) => {
    const part = partOfWindow(summary, { from, to }, parts);
    return part === null ? [] : [{ path, part, rows: summary.rows }];
  });
  for (const { part, rows } of inOnePart) add(part, rows);
  if (selection === null) return volume;
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const share = `(epoch_ms(event_time)::DOUBLE - ${begin}) / ${end - begin}::DOUBLE`;
  const rows = without(
    selection,
    inOnePart.map(({ path }) => path),
  );
  const counted = await database.rows(
    `SELECT greatest(0, least(${parts - 1}, floor(${share} * ${parts})))::INTEGER AS part, count(*) AS n FROM ${rows} GROUP BY part`,
  );
  for (const { part, n } of counted) add(Number(part), Number(n));
  return volume;
}

async function widthOf(database: LockedDatabase, { from, types }: ServedSelection): Promise<number> {
  if (!types.has('probabilities')) return 0;
  const { most } = await database.row(`SELECT coalesce(max(len(probabilities)), 0) AS most FROM ${from}`);
  return Number(most);
}

interface Kept extends Pick<AddedSummaries, 'releases'> {
  readonly selection: ServedSelection | null;
  readonly width: number;
}

async function writeRows(
  database: LockedDatabase,
  { path, features = [], withIds = true }: Pick<ReadServed, 'path' | 'features' | 'withIds'>,
  { selection, width, releases }: Kept,
): Promise<Result['file']> {
  if (selection === null || releases.length === 0)
    return writeColumns(
      database,
      keptColumns(selection?.types ?? new Map(), 0, { features: [], withIds }),
      emptyRows,
      path,
    );
  const { types, from } = selection;
  const places = releases.map(
    ({ release, modelVersion }, at) => `(${literal(release)}, ${modelVersion}::BIGINT, ${at}::DOUBLE)`,
  );
  const answering = `(VALUES ${places.join(', ')}) AS answering(release, model_version, release_index)`;
  const indexed = `(SELECT given.*, release_index FROM ${from} AS given JOIN ${answering} USING (release, model_version))`;
  const there = features.filter((name) => types.has(`f_${name}`));
  return writeColumns(database, keptColumns(types, width, { features: there, withIds }), indexed, path);
}

const emptyRows =
  "(SELECT '' AS id, TIMESTAMP '1970-01-01' AS event_time, 0::DOUBLE AS release_index, 0::DOUBLE AS prediction WHERE false)";

function keptColumns(
  types: ReadonlyMap<string, string>,
  width: number,
  { features, withIds }: { readonly features: readonly string[]; readonly withIds: boolean },
): readonly WrittenColumn[] {
  const shares = Array.from({ length: width }, (_, place): WrittenColumn => {
    return { name: `share ${place}`, kind: 'number', sql: `probabilities[${place + 1}]` };
  });
  return [
    ...(withIds ? [{ name: 'id', kind: 'text' as const, sql: 'id', isUnique: true }] : []),
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
