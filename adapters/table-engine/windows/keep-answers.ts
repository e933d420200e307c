import { dirname } from 'node:path';
import { writeParquet } from '../preparing/parquet-file.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, literal, parquetRows } from '../sql.ts';
import { columnTypes, isServed } from './summarise-rows.ts';

/** Columns of a segment that say what was answered, and when. */
const kept = [
  'id',
  'event_time',
  'recorded_at',
  'release',
  'model_version',
  'generation',
  'role',
  'replay',
  'prediction',
  'probabilities',
];

export async function keepAnswers(
  { segments, release }: Operations['keepAnswers']['request'],
  workplace: TableWorkplace,
): Promise<null> {
  const database = await workplace.open({
    readable: segments.map(({ path }) => path),
    writable: [...new Set(segments.map(({ answers }) => dirname(answers)))],
    columns: kept.length,
  });
  for (const { path, answers } of segments) {
    await database.run(`CREATE OR REPLACE VIEW segment AS SELECT * FROM ${parquetRows([path])}`);
    const types = await columnTypes(database, 'segment');
    const columns = kept.filter((name) => types.has(name)).map(identifier);
    const answered = `SELECT ${columns.join(', ')} FROM segment WHERE ${isServed} AND release = ${literal(release)}`;
    await writeParquet(database, answered, answers);
  }
  return null;
}
