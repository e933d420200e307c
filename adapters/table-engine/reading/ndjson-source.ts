import { createReadStream } from 'node:fs';
import { reasonOf } from '../../../contracts/errors.ts';
import { checkNames } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { jsonPointerOf } from './json-pointer.ts';
import { keptKinds } from './ndjson-kinds.ts';
import { inexactNumbers } from './ndjson-numbers.ts';
import type { LoadedFile, LoadOptions, Source } from './source.ts';
import { placeInFile, refuseFlaw, refuseLongText, unreadable } from './source.ts';
import { identifier, literal } from '../sql.ts';
import { longestNdjsonRecord, scanRecords } from './text-records.ts';

/**
 * Loads a file with one JSON object per line into a table. All columns are text, and the JSON kind of each column is
 * recorded, so that a string that looks like a number stays text. A member that a line lacks is null.
 */
export async function loadNdjson(
  database: LockedDatabase,
  file: LoadedFile,
  table: string,
  options: LoadOptions,
): Promise<Source> {
  const { records, flaw } = await scanRecords(file.path, null);
  refuseFlaw(file, flaw);
  const lines = `lines_${table}`;
  const bare: Source = { file, table, names: [], text: { delimiter: null, before: 0 }, rows: records };
  if (records === 0) return bare;
  await readLines(database, bare, lines);
  const given = await namesOf(database, bare, lines);
  checkNames(given, file.name);
  const names = given.filter((name) => !options.plan.isIgnored(name));
  const inexact = await inexactNumbers(database, lines);
  const pointers = names.map((name) => literal(jsonPointerOf(name)));
  await database.run(
    `CREATE TABLE cells_${table} AS SELECT "_row", json_extract(json, [${pointers.join(', ')}]) AS cells FROM ${lines}`,
  );
  await database.run(`DROP TABLE ${lines}`);
  if (options.nulls.length > 0) await removeNulls(database, `cells_${table}`, options.nulls);
  const kinds = await keptKinds(database, { ...bare, names }, inexact, options);
  const columns = names.flatMap((name, at) =>
    kinds.has(name) ? [`cells[${at + 1}] ->> '$' AS ${identifier(name)}`] : [],
  );
  await database.run(`CREATE TABLE ${table} AS SELECT ${['"_row"', ...columns].join(', ')} FROM cells_${table}`);
  await database.run(`DROP TABLE cells_${table}`);
  const source: Source = {
    ...bare,
    names: [...kinds.keys()],
    kinds: new Map([...kinds].flatMap(([name, kind]) => (kind === undefined ? [] : [[name, kind]]))),
  };
  await refuseLongText(
    database,
    source,
    source.names.filter((name) => source.kinds?.get(name) === 'string'),
  );
  return source;
}

/**
 * Replaces texts that mean a missing value by null. Must run before the kinds of columns are determined, because such a
 * text may occur among numbers.
 */
async function removeNulls(database: LockedDatabase, cells: string, nulls: readonly string[]): Promise<void> {
  // Some programs write NaN without quotes, which is not valid JSON.
  const isText = `(json_type(cell) = 'VARCHAR' OR regexp_full_match(cell ->> '$', '-?(NaN|Inf(inity)?)', 'i'))`;
  const means = `${isText} AND (cell ->> '$') IN (${nulls.map(literal).join(', ')})`;
  await database.run(
    `UPDATE ${cells} SET cells = list_transform(cells, lambda cell: CASE WHEN ${means} THEN NULL ELSE cell END)`,
  );
}

async function readLines(database: LockedDatabase, { file, rows }: Source, lines: string): Promise<void> {
  try {
    await database.run(
      `CREATE TABLE ${lines} AS SELECT row_number() OVER () AS "_row", json FROM read_ndjson_objects(${literal(file.path)}, maximum_object_size = ${longestNdjsonRecord + 1})`,
    );
  } catch (caught) {
    const said = reasonOf(caught);
    if (/^(Out of Memory|Permission) Error/.test(said)) throw caught;
    const { line, reason } = (await firstBrokenLine(file.path)) ?? { line: undefined, reason: noJson };
    throw unreadable(file, reason, line, caught);
  }
  const { read } = await database.row(`SELECT count(*) AS read FROM ${lines}`);
  if (read !== rows)
    throw unreadable(file, `the file has ${rows} lines, but ${read} were read; write one JSON object per line`);
}

const noJson = 'it is not JSON; write one object per line';

interface BrokenLine {
  readonly line: number;
  readonly reason: string;
}

/** Returns the first invalid line of a file. DuckDB's own line numbers are wrong if lines are blank or truncated. */
async function firstBrokenLine(path: string): Promise<BrokenLine | undefined> {
  let line = 1;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const reason = flawOf(Buffer.concat([rest, chunk.subarray(start, end)]));
      if (reason !== undefined) return { line, reason };
      rest = Buffer.alloc(0);
      start = end + 1;
      line += 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
  }
  const reason = flawOf(rest);
  return reason === undefined ? undefined : { line, reason };
}

/** Returns why a line cannot be read, or undefined if it can. */
function flawOf(bytes: Buffer): string | undefined {
  const text = bytes.toString().trim();
  let isWhole = true;
  try {
    if (text === '') return undefined;
    JSON.parse(text, (name: string, value: unknown) => {
      isWhole &&= name.isWellFormed() && (typeof value !== 'string' || value.isWellFormed());
      return value;
    });
  } catch {
    return noJson;
  }
  return isWhole
    ? undefined
    : 'a text in it has half of a surrogate pair such as \\ud83d\\ude00; write both halves, or neither';
}

const nounOf: Readonly<Record<string, string>> = {
  ARRAY: 'a list',
  BOOLEAN: 'a boolean',
  NULL: 'null',
  VARCHAR: 'a text',
};

/**
 * Returns the member names of all lines in the order of their first occurrence. Throws `data-unreadable` if a line is
 * not an object or has a name twice.
 */
async function namesOf(database: LockedDatabase, source: Source, lines: string): Promise<readonly string[]> {
  const [odd] = await database.rows(
    `SELECT "_row" AS row, json_type(json) AS kind, len(json_keys(json)) <> len(list_distinct(json_keys(json))) AS twice FROM ${lines} WHERE kind <> 'OBJECT' OR twice ORDER BY "_row" LIMIT 1`,
  );
  if (odd) {
    const { line } = await placeInFile(source, Number(odd.row));
    throw odd.kind === 'OBJECT'
      ? unreadable(source.file, 'it has the same name twice; keep one of them', line)
      : unreadable(
          source.file,
          `it is ${nounOf[String(odd.kind)] ?? 'a number'}, not an object; write one object per line`,
          line,
        );
  }
  const names = await database.rows(
    `SELECT name FROM (SELECT "_row", unnest(json_keys(json)) AS name, generate_subscripts(json_keys(json), 1) AS place FROM ${lines}) GROUP BY name ORDER BY min("_row"), min(place)`,
  );
  return names.map(({ name }) => String(name));
}
