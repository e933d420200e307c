import { expect, test } from 'vitest';
import { profile } from '../../../adapters/table-engine/preparing/profile.ts';
import { openLockedDatabase } from '../../../adapters/table-engine/process/locked-database.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();

test('a profile of 600 columns takes a bounded number of queries, and equals the profiles of single columns', async () => {
  const width = 600;
  const columns = Array.from({ length: width }, (_, at) =>
    at % 3 === 0
      ? { name: `c${at}`, type: 'number' as const, sql: `(id * ${at + 7}) % 11 / 4.0::DOUBLE` }
      : at % 3 === 1
        ? { name: `c${at}`, type: 'string' as const, sql: `CASE WHEN id % 5 > 0 THEN 'v' || (id % ${at + 2}) END` }
        : { name: `c${at}`, type: 'date' as const, sql: `DATE '2026-01-01' + (id * ${at} % 40)::INTEGER` },
  );
  const { path } = await bench.parquet(
    'wide.parquet',
    `SELECT ${columns.map(({ name, sql }) => `${sql} AS ${name}`).join(', ')} FROM (SELECT unnest(range(30)) AS id)`,
  );
  const schema = columns.map(({ name, type }) => ({ name, type, nullable: true }));
  let queries = 0;
  const workplace = (folder: string) => ({
    folder,
    giveWay: () => undefined,
    supply: () => Promise.resolve(),
    open: async ({ readable }: { readonly readable: readonly string[] }) => {
      const access = { files: readable, folders: [], spillFolder: folder, memoryLimit: '512MiB', timezone: 'UTC' };
      const database = await openLockedDatabase(access);
      const counting =
        <Answer>(ask: (sql: string) => Promise<Answer>) =>
        (sql: string): Promise<Answer> => {
          queries += 1;
          return ask(sql);
        };
      return { ...database, run: counting(database.run), rows: counting(database.rows), row: counting(database.row) };
    },
  });
  const whole = await profile({ parts: [path], columns: schema }, workplace(bench.folder()));
  expect(queries).toBeLessThan(width / 4);
  expect(whole.columns.map(({ name }) => name)).toEqual(schema.map(({ name }) => name));
  for (const at of [0, 1, 2, 300, 598, 599]) {
    const alone = await profile({ parts: [path], columns: schema.slice(at, at + 1) }, workplace(bench.folder()));
    expect(whole.columns[at]).toEqual(alone.columns[0]);
  }
});
