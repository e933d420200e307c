import { copyFile, open, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredKind } from '../../../../contracts/data/column-batch.ts';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { LockedDatabase } from '../../process/locked-database.ts';
import { saidByDuckDb } from '../../process/said-by-duckdb.ts';
import { literal } from '../../sql.ts';
import type { LoadedRecords } from './loaded-records.ts';
import { typeOfKinds } from './loaded-records.ts';

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

/** Loads a segment of JSON lines. Its last line may be incomplete. `folder` is for a copy without that line. */
export async function loadLines(
  database: LockedDatabase,
  path: string,
  features: readonly string[],
  folder: string,
): Promise<LoadedRecords> {
  const whole = join(folder, 'whole.ndjson');
  await copyWithoutTornEnd(path, whole);
  await readRecords(database, whole, path);
  const types = await featureTypes(database, features);
  return {
    answers: await predictionColumns(database),
    features: features.map(
      (name) => `CAST(json_extract_string(features, ${jsonPath(name)}) AS ${types.get(name) ?? 'VARCHAR'})`,
    ),
  };
}

async function readRecords(database: LockedDatabase, path: string, name: string): Promise<void> {
  const columns = Object.entries(fields).map(([field, type]) => `${literal(field)}: ${literal(type)}`);
  try {
    await database.run(`
      CREATE TABLE records AS
      SELECT *, modelVersion AS model_version,
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
 * Returns the SQL of the prediction columns. Numbers become DOUBLE, boolean labels BOOLEAN and text VARCHAR.
 * Probabilities, vectors, errors and request ids get a column only if a record has them.
 */
async function predictionColumns(database: LockedDatabase): Promise<readonly string[]> {
  const kinds = await database.rows(
    `SELECT DISTINCT json_type(prediction) AS kind FROM records WHERE json_type(prediction) IN ${predictionKinds}`,
  );
  const type = typeOfKinds(kinds.map(({ kind }) => kindOfJson(String(kind))));
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
      kind === null || kind === undefined || kind === 'NULL' ? [] : kindOfJson(String(kind)),
    );
    types.set(name, typeOfKinds(seen));
  }
  return types;
}

function kindOfJson(kind: string): StoredKind {
  if (['BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'].includes(kind)) return 'number';
  return kind === 'BOOLEAN' ? 'boolean' : 'text';
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
