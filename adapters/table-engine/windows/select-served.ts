import type { LockedDatabase } from '../process/locked-database.ts';
import type { ReadServed } from '../../../ports/served-window.ts';
import type { RepeatedIds } from '../../../contracts/monitoring/report.ts';
import { parquetRows, within } from '../sql.ts';
import { columnTypes, isServed } from './summarise-rows.ts';

/** Rows that a window consists of. */
export interface ServedSelection {
  /** SQL that follows FROM: the window's rows, with the segments' columns and their `filename`. */
  readonly from: string;
  /** Types of the segments' columns in DuckDB. */
  readonly types: ReadonlyMap<string, string>;
  readonly repeatedIds: RepeatedIds | null;
  /** The segments with a row that repeats an earlier id. */
  readonly repeating: readonly string[];
}

type Asked = Pick<ReadServed, 'segments' | 'from' | 'to' | 'distinctIds'>;

/**
 * Selects the rows of a window. An id counts once across all segments, so repetitions are found before rows outside the
 * window are left out. Only the ids are compared: the other columns of all rows would not fit in memory.
 */
export async function selectServed(
  database: LockedDatabase,
  { segments, from, to, distinctIds = false }: Asked,
): Promise<ServedSelection> {
  const placed = parquetRows(segments, { byName: true, placed: true });
  await database.run(`CREATE OR REPLACE VIEW segments AS SELECT * FROM ${placed}`);
  const types = await columnTypes(database, 'segments');
  const inWindow = within('event_time', from, to);
  const rows = `SELECT * FROM segments WHERE ${isServed} AND ${inWindow}`;
  if (distinctIds || !(await findRepeated(database)))
    return { types, from: `(${rows})`, repeatedIds: null, repeating: [] };
  const repeating = await database.rows('SELECT DISTINCT filename FROM repetition');
  return {
    types,
    from: `(${rows} AND NOT EXISTS (
      SELECT 1 FROM repetition WHERE repetition.filename = segments.filename AND repetition.file_row_number = segments.file_row_number))`,
    repeatedIds: await repeatedIn(database, inWindow),
    repeating: repeating.map(({ filename }) => String(filename)),
  };
}

/**
 * Creates the table `repetition` of the rows that repeat an earlier id, by file and position in the file. Returns whether
 * there are any.
 */
async function findRepeated(database: LockedDatabase): Promise<boolean> {
  await database.run(`
    CREATE OR REPLACE TABLE repeated AS SELECT id FROM (SELECT id, hash(id) AS h FROM segments WHERE ${isServed})
    WHERE h IN (SELECT h FROM (SELECT hash(id) AS h FROM segments WHERE ${isServed}) GROUP BY h HAVING count(*) > 1)
    GROUP BY id HAVING count(*) > 1`);
  const { repeats } = await database.row('SELECT count(*) AS repeats FROM repeated');
  if (Number(repeats) === 0) return false;
  await database.run(`
    CREATE OR REPLACE TABLE repetition AS SELECT id, event_time, filename, file_row_number FROM (
      SELECT id, event_time, filename, file_row_number,
        row_number() OVER (PARTITION BY id ORDER BY recorded_at, event_time, release, filename, file_row_number) AS time
      FROM segments WHERE ${isServed} AND id IN (SELECT id FROM repeated)) WHERE time > 1`);
  return true;
}

async function repeatedIn(database: LockedDatabase, inWindow: string): Promise<RepeatedIds | null> {
  const { predictions, example } = await database.row(
    `SELECT count(*) AS predictions, min(id) AS example FROM repetition WHERE ${inWindow}`,
  );
  return Number(predictions) === 0 ? null : { predictions: Number(predictions), example: String(example) };
}
