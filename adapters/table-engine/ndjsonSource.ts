import { createReadStream } from 'node:fs';
import { reasonOf } from '../../contracts/errors.ts';
import { checkNames } from './fields.ts';
import type { Database } from './lockedDatabase.ts';
import type { JsonKind, LoadedFile, LoadOptions, Source } from './source.ts';
import { placeOf, refuseFlaw, refuseLongText, unreadable } from './source.ts';
import { identifier, literal } from './sql.ts';
import { longestNdjsonRecord, scanRecords } from './textRecords.ts';

const kindOf: Readonly<Record<string, JsonKind>> = {
  BOOLEAN: 'boolean',
  BIGINT: 'number',
  UBIGINT: 'number',
  HUGEINT: 'number',
  DOUBLE: 'number',
  VARCHAR: 'string',
};

/**
 * One JSON object a line, as text with the kind of each column beside it: text that looks like a number stays text.
 * A name that a line lacks is null there.
 */
export async function loadNdjson(
  database: Database,
  file: LoadedFile,
  table: string,
  { nulls }: LoadOptions,
): Promise<Source> {
  const { records, flaw } = await scanRecords(file.path, null);
  refuseFlaw(file, flaw);
  const lines = `lines_${table}`;
  const bare: Source = { file, table, names: [], text: { delimiter: null, before: 0 }, rows: records };
  if (records === 0) return bare;
  await readLines(database, bare, lines);
  const names = await namesOf(database, bare, lines);
  checkNames(names, file.name);
  const pointers = names.map((name) => literal(pointerOf(name)));
  await database.run(
    `CREATE TABLE cells_${table} AS SELECT "_row", json_extract(json, [${pointers.join(', ')}]) AS cells FROM ${lines}`,
  );
  await database.run(`DROP TABLE ${lines}`);
  if (nulls.length > 0) await removeNulls(database, `cells_${table}`, nulls);
  const source: Source = { ...bare, names, kinds: await kindsOf(database, bare, names) };
  const columns = names.map((name, at) => `cells[${at + 1}] ->> '$' AS ${identifier(name)}`);
  await database.run(`CREATE TABLE ${table} AS SELECT ${['"_row"', ...columns].join(', ')} FROM cells_${table}`);
  await database.run(`DROP TABLE cells_${table}`);
  const texts = names.filter((name) => source.kinds?.get(name) === 'string');
  await refuseLongText(database, source, texts);
  return source;
}

/** Before the kinds of columns are looked at: a text that means a missing value may stand among numbers. */
async function removeNulls(database: Database, cells: string, nulls: readonly string[]): Promise<void> {
  const means = `json_type(cell) = 'VARCHAR' AND (cell ->> '$') IN (${nulls.map(literal).join(', ')})`;
  await database.run(
    `UPDATE ${cells} SET cells = list_transform(cells, lambda cell: CASE WHEN ${means} THEN NULL ELSE cell END)`,
  );
}

function pointerOf(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

async function readLines(database: Database, { file, rows }: Source, lines: string): Promise<void> {
  try {
    await database.run(
      `CREATE TABLE ${lines} AS SELECT row_number() OVER () AS "_row", json FROM read_ndjson_objects(${literal(file.path)}, maximum_object_size = ${longestNdjsonRecord + 1})`,
    );
  } catch (caught) {
    const said = reasonOf(caught);
    if (/^(Out of Memory|Permission) Error/.test(said)) throw caught;
    const reason = said.split('\n')[0] ?? '';
    throw unreadable(
      file,
      `it is no JSON: ${reason}; write one object a line`,
      await firstBrokenLine(file.path),
      caught,
    );
  }
  const { read } = await database.row(`SELECT count(*) AS read FROM ${lines}`);
  if (read !== rows)
    throw unreadable(file, `${rows} lines are there and ${read} could be read; write one JSON object a line`);
}

/** DuckDB counts otherwise where lines are blank or break off. */
async function firstBrokenLine(path: string): Promise<number | undefined> {
  let line = 1;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      if (!isJson(Buffer.concat([rest, chunk.subarray(start, end)]))) return line;
      rest = Buffer.alloc(0);
      start = end + 1;
      line += 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
  }
  return isJson(rest) ? undefined : line;
}

function isJson(bytes: Buffer): boolean {
  const text = bytes.toString().trim();
  try {
    if (text !== '') JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** In the order in which the lines bring them. */
async function namesOf(database: Database, source: Source, lines: string): Promise<readonly string[]> {
  const [odd] = await database.rows(
    `SELECT "_row" AS row, json_type(json) AS kind, len(json_keys(json)) <> len(list_distinct(json_keys(json))) AS twice FROM ${lines} WHERE kind <> 'OBJECT' OR twice ORDER BY "_row" LIMIT 1`,
  );
  if (odd) {
    const { line } = await placeOf(source, Number(odd.row));
    throw odd.kind === 'OBJECT'
      ? unreadable(source.file, 'it has a name twice; keep one', line)
      : unreadable(source.file, `it holds ${String(odd.kind).toLowerCase()}, no object; write one object a line`, line);
  }
  const names = await database.rows(
    `SELECT name FROM (SELECT "_row", unnest(json_keys(json)) AS name, generate_subscripts(json_keys(json), 1) AS place FROM ${lines}) GROUP BY name ORDER BY min("_row"), min(place)`,
  );
  return names.map(({ name }) => String(name));
}

/** Refuses nested values, and a column that is of one kind here and of another there. */
async function kindsOf(
  database: Database,
  source: Source,
  names: readonly string[],
): Promise<ReadonlyMap<string, JsonKind>> {
  const table = `cells_${source.table}`;
  const typeOfCell = (at: number): string => `nullif(json_type(cells[${at + 1}]), 'NULL')`;
  const found = await database.row(
    `SELECT ${names.map((_, at) => `string_agg(DISTINCT ${typeOfCell(at)}, ',') AS k${at}`).join(', ')} FROM ${table}`,
  );
  const kinds = new Map<string, JsonKind>();
  for (const [at, name] of names.entries()) {
    const types = String(found[`k${at}`] ?? '')
      .split(',')
      .filter((type) => type !== '');
    const odd = types.find((type) => kindOf[type] === undefined);
    if (odd !== undefined)
      throw await misplaced(
        database,
        source,
        `${typeOfCell(at)} = '${odd}'`,
        `"${name}" is an ${odd.toLowerCase()}; write each of its values under a name of its own`,
      );
    const [kind, other] = new Set(types.flatMap((type) => kindOf[type] ?? []));
    if (kind !== undefined && other !== undefined) {
      const others = types.filter((type) => kindOf[type] === other).map(literal);
      throw await misplaced(
        database,
        source,
        `${typeOfCell(at)} IN (${others.join(', ')})`,
        `"${name}" is a ${other} here and a ${kind} elsewhere; write it the same way in all lines`,
      );
    }
    if (kind !== undefined) kinds.set(name, kind);
  }
  return kinds;
}

async function misplaced(database: Database, source: Source, condition: string, reason: string): Promise<Error> {
  const { row } = await database.row(`SELECT min("_row") AS row FROM cells_${source.table} WHERE ${condition}`);
  const { line } = await placeOf(source, Number(row));
  return unreadable(source.file, reason, line);
}
