import type { LockedDatabase } from '../process/locked-database.ts';
import type { ReadServed } from '../../../ports/served-window.ts';
import type { RepeatedIds } from '../../../contracts/monitoring/report.ts';
import { parquetRows, within } from '../sql.ts';

/** Rows that a window consists of. */
export interface ServedSelection {
  /** SQL that follows FROM: the window's rows, with the segments' columns. */
  readonly from: string;
  /** The same rows with their `release_index` among the releases. */
  readonly indexed: string;
  /** Types of the segments' columns in DuckDB. */
  readonly types: ReadonlyMap<string, string>;
  readonly repeatedIds: RepeatedIds | null;
  readonly releases: readonly {
    readonly release: string;
    readonly modelVersion: number;
    readonly predictions: number;
  }[];
}

/**
 * Selects the rows of a window. An id counts once across all segments, so repetitions are found before rows outside the
 * window are left out. Only the ids are compared: the other columns of all rows would not fit in memory.
 */
export async function selectServed(
  database: LockedDatabase,
  { segments, from, to }: Pick<ReadServed, 'segments' | 'from' | 'to'>,
): Promise<ServedSelection> {
  await database.run(`CREATE VIEW segments AS SELECT * FROM ${parquetRows(segments, { byName: true })}`);
  const described = await database.rows('DESCRIBE segments');
  const types = new Map(described.map((column) => [String(column.column_name), String(column.column_type)]));
  const inWindow = within('event_time', from, to);
  const served = "NOT replay AND role <> 'shadow'";
  await database.run(`
    CREATE TABLE repeated AS SELECT id FROM (SELECT id, hash(id) AS h FROM segments WHERE ${served})
    WHERE h IN (SELECT h FROM (SELECT hash(id) AS h FROM segments WHERE ${served}) GROUP BY h HAVING count(*) > 1)
    GROUP BY id HAVING count(*) > 1`);
  const { repeats } = await database.row('SELECT count(*) AS repeats FROM repeated');
  const rows =
    Number(repeats) === 0
      ? `SELECT * FROM segments WHERE ${served} AND ${inWindow}`
      : await withoutRepeated(database, segments, { served, inWindow });
  await database.run(`
    CREATE TABLE answering AS
    SELECT (row_number() OVER (ORDER BY first, release, model_version) - 1)::DOUBLE AS release_index, * FROM (
      SELECT release, model_version, count(*) AS predictions, min(event_time) AS first FROM (${rows}) GROUP BY release, model_version)`);
  const releases = await database.rows('SELECT * FROM answering ORDER BY release_index');
  return {
    types,
    from: `(${rows})`,
    indexed: `(SELECT given.*, release_index FROM (${rows}) AS given JOIN answering USING (release, model_version))`,
    repeatedIds: Number(repeats) === 0 ? null : await repeatedIn(database, inWindow),
    releases: releases.map(({ release, model_version: version, predictions }) => ({
      release: String(release),
      modelVersion: Number(version),
      predictions: Number(predictions),
    })),
  };
}

interface Conditions {
  readonly served: string;
  readonly inWindow: string;
}

/** Creates the table `repetition` of the rows that repeat an earlier id, by file and position in the file. */
async function withoutRepeated(
  database: LockedDatabase,
  segments: readonly string[],
  { served, inWindow }: Conditions,
): Promise<string> {
  const placed = `SELECT * FROM ${parquetRows(segments, { byName: true, placed: true })} WHERE ${served}`;
  await database.run(`
    CREATE TABLE repetition AS SELECT id, event_time, filename, file_row_number FROM (
      SELECT id, event_time, filename, file_row_number,
        row_number() OVER (PARTITION BY id ORDER BY recorded_at, event_time, release, filename, file_row_number) AS time
      FROM (${placed}) WHERE id IN (SELECT id FROM repeated)) WHERE time > 1`);
  return `SELECT * FROM (${placed}) AS placed WHERE ${inWindow} AND NOT EXISTS (
    SELECT 1 FROM repetition WHERE repetition.filename = placed.filename AND repetition.file_row_number = placed.file_row_number)`;
}

async function repeatedIn(database: LockedDatabase, inWindow: string): Promise<RepeatedIds | null> {
  const { predictions, example } = await database.row(
    `SELECT count(*) AS predictions, min(id) AS example FROM repetition WHERE ${inWindow}`,
  );
  return Number(predictions) === 0 ? null : { predictions: Number(predictions), example: String(example) };
}
