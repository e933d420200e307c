import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { parquetRows } from '../sql.ts';
import { summariseSegment } from './summarise-rows.ts';

export async function summariseSegments(
  { segments, counting }: Operations['summariseSegments']['request'],
  workplace: TableWorkplace,
): Promise<Operations['summariseSegments']['result']> {
  const database = await workplace.open({ readable: segments, columns: 0 });
  const summaries = [];
  for (const segment of segments) {
    await database.run(`CREATE OR REPLACE VIEW segment AS SELECT * FROM ${parquetRows([segment])}`);
    summaries.push(await summariseSegment(database, 'segment', counting));
  }
  return summaries;
}
