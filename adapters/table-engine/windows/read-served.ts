import { VARCHAR } from '@duckdb/node-api';
import type { LockedDatabase } from '../process/locked-database.ts';
import type { Operations } from '../process/operations.ts';
import { emitRows } from './read-columns.ts';
import { identifier, parquetRows, within } from '../sql.ts';
import type { TableWorkplace } from '../process/table-workplace.ts';

type Request = Operations['readServed']['request'];

/**
 * Emits prediction, release, model version, label and probabilities (both as JSON), id and event time, then the
 * features in the order of the result. Predictions of shadow deployments are left out, because they were not served.
 */
export async function readServed(
  { segments, from, to, labels }: Request,
  workplace: TableWorkplace,
): Promise<Operations['readServed']['result']> {
  if (segments.length === 0) return { rows: 0, features: [], repeatedIds: null };
  const database = await workplace.open({ readable: segments });
  await loadLabels(database, labels);
  await database.run(`CREATE VIEW segments AS SELECT * FROM ${parquetRows(segments, { byName: true })}`);
  const columns = (await database.rows('DESCRIBE segments')).map((column) => String(column.column_name));
  const features = columns.filter((name) => name.startsWith('f_')).toSorted();
  // An id counts once across all segments, so repetitions are numbered before rows outside the window are removed.
  const numbered = `
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY recorded_at, event_time, release) AS time
    FROM segments WHERE NOT replay AND role <> 'shadow'`;
  const inWindow = within('event_time', from, to);
  const probabilities = columns.includes('probabilities') ? 'CAST(to_json(probabilities) AS VARCHAR)' : 'NULL::VARCHAR';
  const query = `
    SELECT prediction, release, model_version, labels.value, ${probabilities}, served.id, epoch_ms(event_time), ${features.length === 0 ? '1' : features.map((name) => `served.${identifier(name)}`).join(', ')}
    FROM (${numbered}) AS served LEFT JOIN labels ON labels.id = served.id
    WHERE time = 1 AND ${inWindow} ORDER BY event_time, served.id`;
  const { rows } = await emitRows(database, query, 7 + features.length, workplace);
  const { logged } = await database.row(
    `SELECT count(*) AS logged FROM segments WHERE NOT replay AND role <> 'shadow' AND ${inWindow}`,
  );
  const repeated = Number(logged) - rows;
  return {
    rows,
    features: features.map((name) => name.slice('f_'.length)),
    repeatedIds:
      repeated === 0 ? null : { predictions: repeated, example: await repeatedId(database, numbered, inWindow) },
  };
}

async function repeatedId(database: LockedDatabase, numbered: string, inWindow: string): Promise<string> {
  const { id } = await database.row(`SELECT min(id) AS id FROM (${numbered}) WHERE time > 1 AND ${inWindow}`);
  return String(id);
}

/** Loads the labels into a table. Only the first label of an id counts. */
async function loadLabels(database: LockedDatabase, labels: Request['labels']): Promise<void> {
  await database.run('CREATE TABLE labels (id VARCHAR, value VARCHAR)');
  const appender = await database.connection.createAppender('labels');
  const seen = new Set<string>();
  for (const { id, value } of labels) {
    if (seen.has(id)) continue;
    seen.add(id);
    appender.appendValue(id, VARCHAR);
    appender.appendValue(JSON.stringify(value), VARCHAR);
    appender.endRow();
  }
  appender.closeSync();
}
