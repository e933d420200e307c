import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export const featureNames = Array.from({ length: 30 }, (_, at) => `x${at}`);
/** Segments and parts are written in pieces of this size. */
const rowsOfFile = 100_000;

/** SQL of a number from 0 to 1 that depends on the row and a seed. */
const uniform = (seed: number): string => `((hash(i * 1000 + ${seed}) % 1000003) / 1000003.0)`;

/** Codes, categories, missing values and numbers that rarely repeat. */
function valueOf(at: number): string {
  if (at === 0) return `floor(${uniform(at)} * 12)::DOUBLE`;
  if (at === 1) return `'category ' || floor(${uniform(at)} * 40)::INTEGER`;
  if (at === 2) return `CASE WHEN ${uniform(at)} < 0.1 THEN NULL ELSE ${uniform(at + 100)} END`;
  return `${uniform(at)} * ${at} + ${uniform(at + 200)}`;
}

async function writeFiles(
  folder: string,
  rows: number,
  query: (from: number, to: number) => string,
): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MiB' });
  const connection = await instance.connect();
  const paths: string[] = [];
  for (let from = 0; from < rows; from += rowsOfFile) {
    const path = join(folder, `${String(from / rowsOfFile).padStart(6, '0')}.parquet`);
    await connection.run(`COPY (${query(from, Math.min(rows, from + rowsOfFile))}) TO '${path}' (FORMAT parquet)`);
    paths.push(path);
  }
  return paths;
}

/** Writes the segments of a day. */
export function writeSegments(folder: string, rows: number): Promise<string[]> {
  const features = featureNames.map((name, at) => `${valueOf(at)} AS f_${name}`).join(', ');
  return writeFiles(
    folder,
    rows,
    (from, to) => `
    SELECT CAST(uuid() AS VARCHAR) AS id, happened AS event_time, happened AS recorded_at, repeat('a', 64) AS release,
      1::BIGINT AS model_version, 1::BIGINT AS generation, 'champion' AS role, false AS replay,
      ${uniform(500)} AS prediction, ${features}
    FROM (SELECT i, TIMESTAMP '2026-01-01' + to_microseconds((i * (86400000000.0 / ${rows}))::BIGINT) AS happened
      FROM range(${from}, ${to}) AS given(i))`,
  );
}

/** Writes rows with a numeric target `y`, and a slice `x1`. */
export function writeHoldout(folder: string, rows: number): Promise<string[]> {
  const features = featureNames.map((name, at) => `${valueOf(at)} AS ${name}`).join(', ');
  return writeFiles(
    folder,
    rows,
    (from, to) => `
    SELECT TIMESTAMP '2026-01-01' + to_seconds(i) AS _at, ${features}, ${uniform(3)} * 3 + ${uniform(900)} AS y
    FROM range(${from}, ${to}) AS given(i)`,
  );
}
