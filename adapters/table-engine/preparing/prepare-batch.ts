import { join } from 'node:path';
import { boundedWarnings } from '../../../contracts/data/bounded-warnings.ts';
import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import type { Column } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { KnownPart, PrepareBatch, PreparedBatch } from '../../../ports/table-engine.ts';
import { warnOfChanges } from '../typing/change-warnings.ts';
import { columnPlan } from '../windows/column-plan.ts';
import { readCsvHeader } from '../reading/csv-header.ts';
import { type Declared, declaredColumns, readingOf } from '../typing/declared.ts';
import { type Judged, checkExpectations } from './expectations.ts';
import { refuseFarTimes } from '../typing/far-times.ts';
import type { Field } from '../typing/fields.ts';
import { type Settled, refuseDuplicates, settleKnown } from './keys.ts';
import { knownColumns } from './known-columns.ts';
import { type KnownRows, carryParts, viewKnown } from './known-parts.ts';
import type { LockedDatabase, OpenedDatabase } from '../process/locked-database.ts';
import { checkValues } from '../typing/misfits.ts';
import { openFiles } from '../reading/opened-files.ts';
import { summariseCarried, writeRows } from './summarise-batch.ts';
import { writeQuarantine } from './quarantine.ts';
import { type QuickRows, quickRows } from './quick-rows.ts';
import { dropRelation, kindOfRelation, renameRelation } from './relations.ts';
import { addInstants, checkInstants } from './row-instants.ts';
import { inferFields, pinnedFields } from '../typing/infer-fields.ts';
import type { LoadedFile, Source } from '../reading/source.ts';
import { castIn } from '../reading/source-casts.ts';
import { loadSources } from '../reading/load-sources.ts';
import { identifier, within } from '../sql.ts';
import { warnOfValues } from '../typing/value-warnings.ts';
import { warnOfTypes } from '../typing/type-warnings.ts';
import type { Warn } from '../typing/warn.ts';
import { withAdvice } from '../reading/with-advice.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { orderRows } from './write-parts.ts';

/**
 * Turns files into checked, typed and sorted parts. Expectations are evaluated over the new and changed rows, and over
 * the dataset as it would be with them. If an expectation of severity `error` is broken, no parts are written and no
 * rows are added.
 */
export async function prepareBatch(request: PrepareBatch, workplace: TableWorkplace): Promise<PreparedBatch> {
  const warnings: DataWarning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const files = await openFiles(request.files, workplace.folder);
  const referenced = (request.references ?? []).flatMap(({ parts }) => parts);
  const database = await workplace.open({
    readable: [...files.map(({ path }) => path), ...request.known.flatMap(filesOfKnown), ...referenced],
    writable: [request.outputFolder],
    timezone: request.timezone,
    columns: await widthOf(request, files),
    isParallelAtFirst: true,
  });
  await workplace.supply(request.known.flatMap(({ path, summary }) => (summary === undefined ? [path] : [])));
  const read = await readBatch(database, request, files, { warn, folder: workplace.folder });
  await database.lock();
  const { sources, fields, timed } = read;
  await cutBatch(database, timed ? 'timed' : 'united', timed ? within('_at', request.from, request.before) : 'true');
  if (request.key !== undefined) await refuseDuplicates(database, sources, request.key);
  const known = await viewKnown(database, request, fields, { timed, supply: (paths) => workplace.supply(paths) });
  const settled = await settleKnown(database, request, sources, fields);
  await dropRelation(database, 'batch');
  const judged = await withAdvice(warnings, () => checkExpectations(database, request, fields, timed));
  const quick = (await kindOfRelation(database, 'fresh')) === 'VIEW' ? read.quick : undefined;
  const columns = await columnsOf(database, request, fields, quick);
  const found: Found = { judged, fields, columns, settled, warnings: boundedWarnings(warnings) };
  return isRefused(judged)
    ? refusal(database, request, { ...found, sources })
    : acceptance(database, request, { ...found, known, quick });
}

function filesOfKnown({ path, summary }: KnownPart): readonly string[] {
  const keys = summary?.keys ?? null;
  return keys === null ? [path] : [path, keys];
}

interface Reading {
  readonly warn: Warn;
  readonly folder: string;
}

interface ReadBatch {
  readonly sources: readonly Source[];
  readonly fields: readonly Field[];
  /** Whether the rows are in `timed`, with instants; otherwise they are in `united`. */
  readonly timed: boolean;
  readonly quick?: QuickRows;
}

/** Reads the files into `timed` or `united`: the quick way if that loses no warning and no error, else the long way. */
async function readBatch(
  database: OpenedDatabase,
  request: PrepareBatch,
  files: readonly LoadedFile[],
  { warn, folder }: Reading,
): Promise<ReadBatch> {
  const open = isOpenToDoubt(request);
  const quick = await quickRows(database, request, files, {
    decide: (sources, told) => decideFields(database, request, sources, told),
    judge: async ({ sources, fields, instants }, told) => {
      const [values, times] = [warningsHere(), warningsHere()];
      const [aside, other] = database.asides;
      await allOf([
        refuseFarTimes(database, sources, fields),
        warnOfValues(aside, fields.filter(open), values.warn),
        instants === undefined
          ? Promise.resolve()
          : checkInstants(other, sources, { ...request, ...instants }, times.warn),
      ]);
      for (const warning of [...values.warnings, ...times.warnings]) told(warning);
    },
  });
  if (quick !== undefined) {
    for (const warning of quick.warnings) warn(warning);
    return { ...quick, timed: quick.instants !== undefined, quick };
  }
  const nulls = request.nulls ?? [];
  const sources = await loadSources(database, files, { nulls, warn, plan: columnPlan(request), folder });
  const fields = await decideFields(database, request, sources, warn);
  const declared = declaredColumns(request);
  await warnOfTypes(database, sources, { fields, declared, pinned: request.pinned }, warn);
  await uniteSources(database, sources, fields, declared);
  await refuseFarTimes(database, sources, fields);
  await warnOfValues(database, fields.filter(open), warn);
  return { sources, fields, timed: await addInstants(database, request, sources, fields, warn) };
}

function warningsHere(): { readonly warnings: readonly DataWarning[]; readonly warn: Warn } {
  const warnings: DataWarning[] = [];
  return { warnings, warn: (warning) => void warnings.push(warning) };
}

/** Waits until all have ended, so that nothing goes on after an error, and throws the first error. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  for (const ended of await Promise.allSettled(work)) if (ended.status === 'rejected') throw ended.reason;
}

/**
 * Returns a function that selects the fields in which text may be meant as something else. A field that a person
 * declared to be text is left out.
 */
function isOpenToDoubt(request: PrepareBatch): (field: Field) => boolean {
  const { types, expected } = declaredColumns(request);
  return ({ name }) => types.get(name) !== 'string' && expected.get(name) !== 'string';
}

/** Returns the number of columns, if it is known before the rows are read. */
async function widthOf({ pinned }: PrepareBatch, [file]: readonly LoadedFile[]): Promise<number | undefined> {
  if (pinned !== null) return pinned.length;
  return file?.format === 'csv' ? (await readCsvHeader(file.path, file.name)).names.length : undefined;
}

/**
 * Creates `batch` from the rows within the bounds. If there are no bounds, the table or view is renamed, because a copy
 * would double the space that a large batch takes.
 */
async function cutBatch(database: LockedDatabase, table: string, condition: string): Promise<void> {
  if (condition === 'true') {
    await renameRelation(database, table, 'batch');
    return;
  }
  await database.run(`CREATE TABLE batch AS SELECT * FROM ${table} WHERE ${condition}`);
  await dropRelation(database, table);
}

/** Returns the fields in which the rows are stored. Throws if a value does not fit. */
async function decideFields(
  database: LockedDatabase,
  request: PrepareBatch,
  sources: readonly Source[],
  warn: Warn,
): Promise<readonly Field[]> {
  const declared = declaredColumns(request);
  const { pinned, known } = request;
  const before = pinned === null ? undefined : await knownColumns(database, known, pinned);
  const fields =
    before === undefined
      ? await inferFields(database, sources, declared)
      : await pinnedFields(database, sources, before, declared);
  checkMentioned(request, fields);
  // An inferred type fits all values, so only declared types need a check.
  const doubtful = pinned === null ? fields.filter(({ name }) => declared.types.has(name)) : fields;
  for (const source of sources) await checkValues(database, source, doubtful, declared);
  if (before !== undefined) warnOfChanges(before, fields, declared, warn);
  return fields;
}

function checkMentioned(request: PrepareBatch, fields: readonly Field[]): void {
  const { key, required, expectations, columns = {} } = request;
  const names = fields.map(({ name }) => name);
  const mentioned = [
    ...required.map((name) => [name, 'as target or feature']),
    ...(key === undefined ? [] : [[key, 'as key']]),
    ...expectations.flatMap(({ column }) => (column === undefined ? [] : [[column, 'in an expectation']])),
    ...Object.entries(columns).flatMap(([name, type]) => (type === 'ignore' ? [] : [[name, 'in data.columns']])),
  ];
  for (const [column, how] of mentioned) {
    if (column === undefined || names.includes(column)) continue;
    throw new PerennialError(
      'schema-changed',
      `the data has no column "${column}", which the configuration names ${how}; the columns are ${names.join(', ')}`,
      { column },
    );
  }
}

/**
 * Creates `united` from all files, with `_file` (from 0), `_line` (the row within its file), `_row` (the row within the
 * batch), and the typed columns.
 */
async function uniteSources(
  database: LockedDatabase,
  sources: readonly Source[],
  fields: readonly Field[],
  declared: Declared,
): Promise<void> {
  let before = 0;
  const selects = sources.map((source, at) => {
    const typed = fields
      .map((field) => {
        const { value } = castIn(source, field.name, field.stored, readingOf(declared, field));
        return `${value} AS ${identifier(field.name)}`;
      })
      .join(', ');
    const select = `SELECT ${at} AS "_file", "_row" AS "_line", "_row" + ${before} AS "_row", ${typed} FROM ${source.table}`;
    before += source.rows;
    return select;
  });
  await database.run(`CREATE TABLE united AS ${selects.join(' UNION ALL ')}`);
  for (const source of sources) await database.run(`DROP TABLE ${source.table}`);
}

/**
 * Returns the columns with their nullability. A column without nulls so far may become nullable later; only a `notNull`
 * expectation prevents that.
 */
async function columnsOf(
  database: LockedDatabase,
  { pinned, known, mode }: PrepareBatch,
  fields: readonly Field[],
  quick: QuickRows | undefined,
): Promise<readonly Column[]> {
  const withNulls = await fieldsWithNulls(database, fields, quick);
  const isKept = known.length > 0 && mode !== 'snapshot';
  return fields.map(({ name, type }) => {
    const before = pinned?.find((column) => column.name === name);
    // The existing rows have no values in a new column.
    const wasNullable = before === undefined ? isKept : before.nullable;
    return { name, type, nullable: withNulls.has(name) || wasNullable };
  });
}

async function fieldsWithNulls(
  database: LockedDatabase,
  fields: readonly Field[],
  quick: QuickRows | undefined,
): Promise<ReadonlySet<string>> {
  if (quick !== undefined) {
    const rows = quick.sources.reduce((sum, source) => sum + source.rows, 0);
    return new Set(fields.flatMap(({ name }) => ((quick.values.get(name) ?? 0) < rows ? [name] : [])));
  }
  const nulls = await database.row(
    `SELECT ${fields.map(({ name }, at) => `count(*) > count(${identifier(name)}) AS n${at}`).join(', ')} FROM fresh`,
  );
  return new Set(fields.flatMap(({ name }, at) => (nulls[`n${at}`] === true ? [name] : [])));
}

function isRefused(judged: readonly Judged[]): boolean {
  return judged.some(({ result }) => result.severity === 'error' && result.violations > 0);
}

interface Found {
  readonly judged: readonly Judged[];
  readonly fields: readonly Field[];
  readonly columns: readonly Column[];
  readonly settled: Settled;
  readonly warnings: readonly DataWarning[];
}

async function refusal(
  database: LockedDatabase,
  { outputFolder }: PrepareBatch,
  { judged, sources, fields, columns, settled, warnings }: Found & { readonly sources: readonly Source[] },
): Promise<PreparedBatch> {
  const path = join(outputFolder, 'quarantine.parquet');
  return {
    columns,
    rowsAdded: 0,
    rowsSkipped: settled.rowsSkipped,
    rowsReplaced: 0,
    rowsRemoved: 0,
    known: [],
    parts: [],
    expectations: judged.map(({ result }) => result),
    warnings,
    refused: true,
    summaries: [],
    profile: null,
    quarantine: await writeQuarantine(database, judged, { sources, fields, path }),
  };
}

async function acceptance(
  database: OpenedDatabase,
  request: PrepareBatch,
  {
    judged,
    fields,
    columns,
    settled,
    known,
    warnings,
    quick,
  }: Found & { readonly known: KnownRows; readonly quick: QuickRows | undefined },
): Promise<PreparedBatch> {
  const carried =
    request.mode === 'snapshot' ? [] : await carryParts(database, request, known, settled.rowsReplaced > 0);
  const { timed } = known;
  const ordered = await orderRows(database, { fields, key: request.key, timed, quick });
  const isWhole = request.known.length === 0 || request.mode === 'snapshot';
  const { key, summarise = true, outputFolder: folder } = request;
  const written = await writeRows(database, ordered, {
    columns: isWhole ? columns : null,
    summarise,
    key,
    timed,
    folder,
  });
  return {
    columns,
    ...settled,
    known: carried,
    parts: written.parts,
    expectations: judged.map(({ result }) => result),
    warnings,
    refused: false,
    quarantine: null,
    summaries: [...written.summaries, ...(await summariseCarried(database.asides[0], request, carried))],
    profile: written.profile,
  };
}
