import { dirname } from 'node:path';
import { writeParquet } from '../preparing/parquet-file.ts';
import type { Counting, SegmentSummary } from '../../../ports/segment-summary.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';
import { identifier, literal } from '../sql.ts';
import { summariseSegment } from './summarise-rows.ts';
import { loadBlocks } from './sealing/load-blocks.ts';
import { loadLines } from './sealing/load-lines.ts';

/** Seals a segment. While it is being sealed, the view `sealed` has exactly the rows and columns of the Parquet file. */
export async function sealSegment(
  request: Operations['sealSegment']['request'],
  workplace: TableWorkplace,
): Promise<Operations['sealSegment']['result']> {
  // The gateway of this segment answers requests on the same machine.
  workplace.giveWay();
  const { features, path, indexPath, counting } = request;
  const database = await workplace.open({ readable: [], writable: [dirname(path)] });
  const loaded =
    'blocks' in request
      ? await loadBlocks(database, request.blocks, request.kinds)
      : await loadLines(database, request.ndjson, features, workplace.folder);
  const fixed = 'id, event_time, recorded_at, release, model_version, generation, role, replay';
  const columns = loaded.features.map((expression, at) => `${expression} AS ${identifier(`f_${features[at] ?? ''}`)}`);
  await database.run(`CREATE VIEW sealed AS SELECT ${[fixed, ...loaded.answers, ...columns].join(', ')} FROM records`);
  await writeParquet(database, 'SELECT * FROM sealed', path);
  await writeIndex(database, indexPath);
  const found = await database.row(
    `SELECT count(*) AS rows, timezone('UTC', min(event_time)) AS "from", timezone('UTC', max(event_time)) AS "to" FROM records`,
  );
  const summary = counting === undefined ? null : await summaryIfPossible(database, counting);
  return { rows: Number(found.rows), from: String(found.from), to: String(found.to), summary };
}

/**
 * A segment without a summary is summarised when a report needs it, which then reports what is wrong. The segment itself
 * must be uploaded: otherwise the gateway's disk would fill.
 */
async function summaryIfPossible(database: LockedDatabase, counting: Counting): Promise<SegmentSummary | null> {
  try {
    return await summariseSegment(database, 'sealed', counting);
  } catch {
    return null;
  }
}

/**
 * Writes the index of the served predictions. NUL characters are replaced, because text in Postgres cannot hold them.
 */
async function writeIndex(database: LockedDatabase, path: string): Promise<void> {
  const storable = (column: string): string => `replace(${column}, chr(0), chr(65533))`;
  const instant = (column: string): string => `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
  await database.run(`
    COPY (
      SELECT ${storable('id')} AS id, ${storable('request')} AS request, row, model_version AS version,
        ${instant('event_time')} AS happened, ${instant('recorded_at')} AS recorded
      FROM records WHERE NOT replay AND role <> 'shadow'
    ) TO ${literal(path)} (FORMAT json)`);
}
