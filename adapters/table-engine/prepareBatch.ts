import { join } from 'node:path';
import type { Column } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { PrepareBatch, PreparedBatch } from '../../ports/table-engine.ts';
import { checkExpectations, writeQuarantine } from './expectations.ts';
import type { Field, StoredType } from './fields.ts';
import { keepUnknown, refuseDuplicates } from './keys.ts';
import type { Database } from './lockedDatabase.ts';
import { checkValues, inferFields, pinnedFields } from './schema.ts';
import { type Source, loadSources } from './sources.ts';
import { identifier, parquetRows, within } from './sql.ts';
import { addInstants } from './rowInstants.ts';
import type { Workplace } from './workplace.ts';
import { writeParts } from './writeParts.ts';

/**
 * From files to checked, typed, sorted parts. Expectations are judged over the rows that are new; where one of severity
 * error is broken there are no parts and no rows added, only the quarantine.
 */
export async function prepareBatch(request: PrepareBatch, workplace: Workplace): Promise<PreparedBatch> {
  const known = request.known.map(({ path }) => path);
  const database = await workplace.open({
    readable: [...request.files.map(({ path }) => path), ...known],
    writable: [request.outputFolder],
    timezone: request.timezone,
  });
  const sources = await loadSources(database, request.files);
  const fields = await fieldsOf(database, request, sources);
  checkMentioned(request, fields);
  // Text that the types were inferred from fits them.
  for (const source of sources)
    if (request.pinned !== null || source.stored !== undefined) await checkValues(database, source, fields);
  await uniteSources(database, sources, fields);
  const timed = await addInstants(database, request, sources, fields);
  await database.run(
    `CREATE TABLE batch AS SELECT * FROM ${timed ? 'timed' : 'united'} WHERE ${timed ? within('_at', request.from, request.before) : 'true'}`,
  );
  if (request.key !== undefined) await refuseDuplicates(database, sources, request.key);
  const rowsSkipped = await keepUnknown(database, request, sources, fields);
  const expectations = await checkExpectations(database, request, fields);
  const columns = await columnsOf(database, request, fields);
  const results = expectations.map(({ result }) => result);
  const quarantine = await writeQuarantine(
    database,
    expectations,
    sources,
    fields,
    join(request.outputFolder, 'quarantine.parquet'),
  );
  if (quarantine) return { columns, rowsAdded: 0, rowsSkipped, parts: [], expectations: results, quarantine };
  const parts = await writeParts(database, { fields, key: request.key, timed, folder: request.outputFolder });
  return {
    columns,
    rowsAdded: parts.reduce((sum, part) => sum + part.rows, 0),
    rowsSkipped,
    parts,
    expectations: results,
    quarantine: null,
  };
}

async function fieldsOf(
  database: Database,
  { pinned, known }: PrepareBatch,
  sources: readonly Source[],
): Promise<readonly Field[]> {
  if (pinned === null) return inferFields(database, sources);
  const [part] = known;
  const described = part === undefined ? [] : await database.rows(`DESCRIBE SELECT * FROM ${parquetRows([part.path])}`);
  const stored = new Map<string, StoredType>();
  for (const { column_name: name, column_type: type } of described) if (isStored(type)) stored.set(String(name), type);
  return pinnedFields(database, pinned, stored, sources);
}

function isStored(type: unknown): type is StoredType {
  return (
    typeof type === 'string' &&
    ['BOOLEAN', 'BIGINT', 'DOUBLE', 'VARCHAR', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE', 'DATE'].includes(type)
  );
}

function checkMentioned({ key, required, expectations }: PrepareBatch, fields: readonly Field[]): void {
  const names = fields.map(({ name }) => name);
  const mentioned = [
    ...required.map((name) => [name, 'as target or feature']),
    ...(key === undefined ? [] : [[key, 'as key']]),
    ...expectations.map(({ column }) => [column, 'in an expectation']),
  ];
  for (const [column, how] of mentioned) {
    if (column === undefined || names.includes(column)) continue;
    throw new PerennialError(
      'schema-changed',
      `the data has no column "${column}", which the configuration names ${how}; it has ${names.join(', ')}`,
      { column },
    );
  }
}

/** One table of all files: `_file` (from 0), `_line` (the row within its file), `_row` (within the batch), typed columns. */
async function uniteSources(database: Database, sources: readonly Source[], fields: readonly Field[]): Promise<void> {
  const typed = fields
    .map(({ name, stored }) => `CAST(${identifier(name)} AS ${stored}) AS ${identifier(name)}`)
    .join(', ');
  let before = 0;
  const selects = sources.map((source, at) => {
    const select = `SELECT ${at} AS "_file", "_row" AS "_line", "_row" + ${before} AS "_row", ${typed} FROM ${source.table}`;
    before += source.rows;
    return select;
  });
  await database.run(`CREATE TABLE united AS ${selects.join(' UNION ALL ')}`);
  for (const source of sources) await database.run(`DROP TABLE ${source.table}`);
}

/** A column may become nullable later: that it had no nulls at first was no promise. `notNull` is one. */
async function columnsOf(
  database: Database,
  { pinned }: PrepareBatch,
  fields: readonly Field[],
): Promise<readonly Column[]> {
  const nulls = await database.row(
    `SELECT ${fields.map(({ name }, at) => `count(*) > count(${identifier(name)}) AS n${at}`).join(', ')} FROM fresh`,
  );
  return fields.map(({ name, type }, at) => ({
    name,
    type,
    nullable: nulls[`n${at}`] === true || pinned?.find((column) => column.name === name)?.nullable === true,
  }));
}
