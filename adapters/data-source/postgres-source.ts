import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, DatabaseError } from 'pg';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { PostgresConnection } from '../../contracts/access/connection.ts';
import type { RemoteSourceOf } from '../../contracts/data/remote-source.ts';
import type { DataSourceOf, SourceFile } from '../../ports/data-source.ts';
import { jsonOfRow, type QueryField } from './json-of-row.ts';
import type { SourceSettings } from './source-settings.ts';

interface ConnectedQuery {
  readonly connection: PostgresConnection;
  readonly query: string;
}

type QuerySettings = Pick<SourceSettings, 'bytesAtMost' | 'statementTimeoutMs'>;

/**
 * Most rows and most cells of one fetch. Wide rows come in smaller fetches, because the thread that writes them must
 * also send heartbeats.
 */
const rowsAtOnce = 2_000;
const cellsAtOnce = 20_000;
const connectWithinMs = 20_000;

/**
 * Creates the source for the rows of one SELECT, written as NDJSON. It reads through a cursor in one read-only
 * transaction, so that all rows come from one snapshot of the database and at most 2,000 of them are in memory.
 */
export function createPostgresSource(settings: SourceSettings): DataSourceOf<RemoteSourceOf<'postgres'>> {
  return {
    async fetch({ postgres: { connection: name, query } }, { openConnection, folder, signal }) {
      const connection = await openConnection(name, 'postgres');
      return [await fetchQuery({ connection, query }, join(folder, 'rows.ndjson'), settings, signal)];
    },
  };
}

async function fetchQuery(
  source: ConnectedQuery,
  path: string,
  settings: QuerySettings,
  signal: AbortSignal,
): Promise<SourceFile> {
  const { host, pathname } = new URL(source.connection.url);
  const from = `postgres://${host}${pathname}`;
  const client = new Client({
    connectionString: source.connection.url,
    application_name: 'perennial',
    connectionTimeoutMillis: connectWithinMs,
    // Values stay as the server's text: JavaScript's numbers and dates would lose digits.
    types: { getTypeParser: () => (text: string) => text },
  });
  const lost = new Promise<never>((_resolve, reject) => client.on('error', reject));
  lost.catch(() => undefined);
  const stop = () => void client.end().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([lost, client.connect()]);
    await Promise.race([lost, begin(client, source.query, settings)]);
    const bytes = await Promise.race([lost, writeRows(client, path, from, settings, signal)]);
    return { name: 'rows.ndjson', format: 'ndjson', path, from, bytes, etag: null };
  } catch (caught) {
    signal.throwIfAborted();
    throw worded(caught, from);
  } finally {
    signal.removeEventListener('abort', stop);
    await client.end().catch(() => undefined);
  }
}

async function begin(client: Client, query: string, { statementTimeoutMs }: QuerySettings): Promise<void> {
  await client.query('begin isolation level repeatable read read only');
  await client.query(`set local statement_timeout = ${Math.trunc(statementTimeoutMs)}`);
  await client.query(`set local timezone = 'UTC'`);
  await client.query(`set local datestyle = 'ISO'`);
  await client.query(`set local bytea_output = 'hex'`);
  // A named statement uses the extended protocol, which accepts only one statement: a semicolon in the query cannot end
  // the transaction.
  await client.query({ name: 'perennial_rows', text: `declare perennial_rows no scroll cursor for ${query}` });
}

async function writeRows(
  client: Client,
  path: string,
  from: string,
  { bytesAtMost }: QuerySettings,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0;
  async function* lines(): AsyncGenerator<string> {
    // The first fetch reads one row, which shows the number of columns.
    for (let wanted = 1; ;) {
      const { rows, fields } = await client.query<(string | null)[]>({
        text: `fetch forward ${wanted} from perennial_rows`,
        rowMode: 'array',
      });
      if (rows.length === 0) return;
      wanted = Math.max(1, Math.min(rowsAtOnce, Math.floor(cellsAtOnce / fields.length)));
      const columns: QueryField[] = fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
      const text = rows.map((row) => `${jsonOfRow(columns, row)}\n`).join('');
      bytes += Buffer.byteLength(text);
      if (bytes > bytesAtMost)
        throw new PerennialError(
          'too-large',
          `the query returns more than ${bytesAtMost} bytes; select less, or raise PERENNIAL_FETCH_SIZE on the workers`,
          {
            limit: bytesAtMost,
          },
        );
      yield text;
    }
  }
  await pipeline(Readable.from(lines(), { objectMode: true, highWaterMark: 1 }), createWriteStream(path), { signal });
  if (bytes === 0) throw new PerennialError('data-empty', `the query returns no rows from ${from}`, { from });
  return bytes;
}

/**
 * Converts an error of Postgres. An error of the query is for its author, and an error of the connection is for an
 * administrator.
 */
function worded(caught: unknown, from: string): PerennialError {
  if (caught instanceof PerennialError) return caught;
  const reason = reasonOf(caught) || 'the database does not answer';
  const code = caught instanceof DatabaseError ? (caught.code ?? '') : '';
  if (code === '57014')
    return new PerennialError(
      'limit-reached',
      `the query took too long on ${from} and was stopped; select less, or raise PERENNIAL_FETCH_TIMEOUT on the workers (the database may have a limit of its own)`,
      { from },
    );
  // Classes 42 (syntax, access), 22 (data), 25 (transaction state, such as a write), 0A (not supported) and 34 (cursor)
  // concern the query itself.
  if (/^(42|22|25|0A|34)/.test(code))
    return new PerennialError(
      'source-refused',
      `${from} refused the query of data.source: ${reason}; the query must be a single SELECT that the role may run`,
      { from, sqlState: code },
      { cause: caught },
    );
  return new PerennialError(
    'source-unavailable',
    `${from} could not be read: ${reason}; check that the database is running, and check the connection's user and password`,
    { from, sqlState: code },
    { cause: caught },
  );
}
