import { INTEGER, BIGINT } from '@duckdb/node-api';
import type { PreparedBatch } from '../../../ports/table-engine.ts';
import type { Judged } from './expectations.ts';
import type { Field } from '../typing/fields.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { writeParquet } from './parquet-file.ts';
import { type Source, linesOf } from '../reading/source.ts';
import { identifiers, literal } from '../sql.ts';

interface Quarantine {
  readonly sources: readonly Source[];
  readonly fields: readonly Field[];
  readonly path: string;
}

/**
 * Writes the rows that broke a check of severity `error`, with `_file`, `_line` (the line in the file), `_row` (the row
 * within the batch) and `_broke` (the broken checks). Returns null if there are none.
 */
export async function writeQuarantine(
  database: LockedDatabase,
  judged: readonly Judged[],
  { sources, fields, path }: Quarantine,
): Promise<PreparedBatch['quarantine']> {
  const serious = judged.flatMap(({ result, broken }) =>
    broken !== undefined && result.severity === 'error' && result.violations > 0 ? [{ result, broken }] : [],
  );
  if (serious.length === 0) return null;
  const reasons = serious.map(
    ({ result, broken }) => `CASE WHEN ${broken} THEN ${literal(`${result.column}: ${result.check}`)} END`,
  );
  const anyBroken = serious.map(({ broken }) => `(${broken})`).join(' OR ');
  await database.run(
    `CREATE TABLE refused AS SELECT *, concat_ws('; ', ${reasons.join(', ')}) AS "_broke" FROM fresh WHERE ${anyBroken}`,
  );
  await findLines(database, sources);
  const files = sources.map((source, at) => `WHEN ${at} THEN ${literal(source.file.name)}`).join(' ');
  await writeParquet(
    database,
    `SELECT CASE "_file" ${files} END AS "_file", lines.line AS "_line", "_row", "_broke", ${identifiers(fields.map(({ name }) => name))}
      FROM refused JOIN lines ON lines.file = refused."_file" AND lines.record = refused."_line" ORDER BY "_row"`,
    path,
  );
  const { rows } = await database.row('SELECT count(*) AS rows FROM refused');
  return { path, rows: Number(rows) };
}

/** Creates `lines`, the line of its file on which each refused row begins. */
async function findLines(database: LockedDatabase, sources: readonly Source[]): Promise<void> {
  await database.run('CREATE TABLE lines (file INTEGER, record BIGINT, line BIGINT)');
  const appender = await database.connection.createAppender('lines');
  for (const [at, source] of sources.entries()) {
    const found = await database.rows(`SELECT "_line" AS record FROM refused WHERE "_file" = ${at} ORDER BY record`);
    const records = found.map(({ record }) => Number(record));
    for (const [index, line] of (await linesOf(source, records)).entries()) {
      appender.appendValue(at, INTEGER);
      appender.appendValue(BigInt(records[index] ?? 0), BIGINT);
      appender.appendValue(BigInt(line), BIGINT);
      appender.endRow();
    }
  }
  appender.closeSync();
}
