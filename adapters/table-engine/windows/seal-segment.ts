import { copyFile, open, truncate } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import { writeParquet } from '../preparing/parquet-file.ts';
import { saidByDuckDb } from '../process/said-by-duckdb.ts';
import { identifier, literal } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

const fields = {
  id: 'VARCHAR',
  request: 'VARCHAR',
  row: 'INTEGER',
  eventTime: 'VARCHAR',
  recordedAt: 'VARCHAR',
  release: 'VARCHAR',
  modelVersion: 'BIGINT',
  generation: 'BIGINT',
  role: 'VARCHAR',
  replay: 'BOOLEAN',
  features: 'JSON',
  prediction: 'JSON',
  probabilities: 'DOUBLE[]',
  vectors: 'MAP(VARCHAR, DOUBLE[])',
  error: 'VARCHAR',
};

const predictionKinds = "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE', 'VARCHAR', 'BOOLEAN')";

export async function sealSegment(
  { ndjson, features, path, indexPath }: Operations['sealSegment']['request'],
  workplace: TableWorkplace,
): Promise<Operations['sealSegment']['result']> {
  const whole = join(workplace.folder, 'whole.ndjson');
  await copyWithoutTornEnd(ndjson, whole);
  const database = await workplace.open({ readable: [], writable: [dirname(path)] });
  await readRecords(database, whole, ndjson);
  const types = await featureTypes(database, features);
  const columns = features.map(
    (name) =>
      `CAST(json_extract_string(features, ${jsonPath(name)}) AS ${types.get(name) ?? 'VARCHAR'}) AS ${identifier(`f_${name}`)}`,
  );
  const fixed = 'id, event_time, recorded_at, release, modelVersion AS model_version, generation, role, replay';
  const answers = await predictionColumns(database);
  await writeParquet(database, `SELECT ${[fixed, ...answers, ...columns].join(', ')} FROM records`, path);
  await writeIndex(database, indexPath);
  const found = await database.row(
    `SELECT count(*) AS rows, timezone('UTC', min(event_time)) AS "from", timezone('UTC', max(event_time)) AS "to" FROM records`,
  );
  return { rows: Number(found.rows), from: String(found.from), to: String(found.to) };
}

async function readRecords(database: LockedDatabase, path: string, name: string): Promise<void> {
  const columns = Object.entries(fields).map(([field, type]) => `${literal(field)}: ${literal(type)}`);
  try {
    await database.run(`
      CREATE TABLE records AS
      SELECT *,
        timezone('UTC', CAST(eventTime AS TIMESTAMPTZ)) AS event_time, timezone('UTC', CAST(recordedAt AS TIMESTAMPTZ)) AS recorded_at
      FROM read_json(${literal(path)}, format = 'newline_delimited', columns = {${columns.join(', ')}}, maximum_object_size = 16777216)`);
  } catch (caught) {
    throw new PerennialError(
      'data-unreadable',
      `the segment ${name} has a line that is not a prediction record: ${saidByDuckDb(caught)}`,
      { segment: name },
      { cause: caught },
    );
  }
  const { rows, broken } = await database.row(`
    SELECT count(*) AS rows, count(*) FILTER (id IS NULL OR event_time IS NULL OR recorded_at IS NULL OR release IS NULL OR modelVersion IS NULL
      OR generation IS NULL OR role IS NULL OR replay IS NULL OR features IS NULL
      OR (coalesce(json_type(prediction), 'NULL') IN ${predictionKinds}) = (error IS NOT NULL)
      OR list_contains(list_transform(probabilities, lambda p: isfinite(p)), false)) AS broken FROM records`);
  if (rows === 0)
    throw new PerennialError('data-empty', `the segment ${name} has no complete record`, { segment: name });
  if (broken !== 0)
    throw new PerennialError(
      'data-unreadable',
      `the segment ${name} has ${broken} records that lack a field, or have neither a finite prediction nor a reason for the missing prediction`,
      { segment: name },
    );
}

/**
 * Writes the index of the served predictions. NUL characters are replaced, because text in Postgres cannot hold them.
 */
async function writeIndex(database: LockedDatabase, path: string): Promise<void> {
  const storable = (column: string): string => `replace(${column}, chr(0), chr(65533))`;
  const instant = (column: string): string => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
  await database.run(`
    COPY (
      SELECT ${storable('id')} AS id, ${storable('request')} AS request, row, modelVersion AS version,
        ${instant('event_time')} AS happened, ${instant('recorded_at')} AS recorded
      FROM records WHERE NOT replay AND role <> 'shadow'
    ) TO ${literal(path)} (FORMAT json)`);
}

/**
 * Returns the SQL of the prediction columns. Numbers become DOUBLE, boolean labels BOOLEAN and text VARCHAR.
 * Probabilities, vectors, errors and request ids get a column only if a record has them.
 */
async function predictionColumns(database: LockedDatabase): Promise<readonly string[]> {
  const kinds = await database.rows(
    `SELECT DISTINCT json_type(prediction) AS kind FROM records WHERE json_type(prediction) IN ${predictionKinds}`,
  );
  const type = typeOfKinds(kinds.map(({ kind }) => String(kind)));
  const { shares, others, errors, requests } = await database.row(
    'SELECT count(probabilities) AS shares, count(vectors) AS others, count(error) AS errors, count(request) AS requests FROM records',
  );
  return [
    `CAST(json_extract_string(prediction, '$') AS ${type}) AS prediction`,
    ...(Number(shares) > 0 ? ['probabilities'] : []),
    ...(Number(others) > 0 ? ['vectors'] : []),
    ...(Number(errors) > 0 ? ['error'] : []),
    ...(Number(requests) > 0 ? ['request', 'row AS request_row'] : []),
  ];
}

/** Returns the Parquet type of each feature: DOUBLE, BOOLEAN or VARCHAR; VARCHAR also for mixed types. */
async function featureTypes(
  database: LockedDatabase,
  features: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const types = new Map<string, string>();
  for (const name of features) {
    const kinds = await database.rows(`SELECT DISTINCT json_type(features, ${jsonPath(name)}) AS kind FROM records`);
    const seen = kinds.flatMap(({ kind }) =>
      kind === null || kind === undefined || kind === 'NULL' ? [] : String(kind),
    );
    types.set(name, typeOfKinds(seen));
  }
  return types;
}

/**
 * Returns the type of a column with these kinds of JSON values. A column without values is BOOLEAN, which converts to
 * any other type: if segments are read together, the numbers and texts of other segments keep their type.
 */
function typeOfKinds(kinds: readonly string[]): 'DOUBLE' | 'BOOLEAN' | 'VARCHAR' {
  if (kinds.length === 0) return 'BOOLEAN';
  if (kinds.every((kind) => ['BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'].includes(kind))) return 'DOUBLE';
  return kinds.every((kind) => kind === 'BOOLEAN') ? 'BOOLEAN' : 'VARCHAR';
}

/**
 * Returns the JSON Pointer of a feature as an SQL literal. A JSONPath would read some characters of a feature's name as
 * syntax.
 */
function jsonPath(name: string): string {
  return literal(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

/**
 * Copies a file without an incomplete last line. If the gateway was killed while it wrote that line, it had not
 * answered yet, so the row was never served.
 */
async function copyWithoutTornEnd(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r');
  let end: number;
  let tail = '';
  try {
    const { size } = await file.stat();
    end = size;
    const step = 65_536;
    for (; end > 0;) {
      const start = Math.max(0, end - step);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      const newline = buffer.subarray(0, bytesRead).lastIndexOf(10);
      tail = buffer.subarray(newline + 1, bytesRead).toString('latin1') + tail;
      if (newline !== -1) {
        end = start + newline + 1;
        break;
      }
      end = start;
    }
  } finally {
    await file.close();
  }
  if (!isJson(Buffer.from(tail, 'latin1').toString())) await truncate(to, end);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
