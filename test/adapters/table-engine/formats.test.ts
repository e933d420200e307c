import { gzipSync } from 'node:zlib';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatOfName } from '../../../contracts/data/data-format.ts';
import type { PrepareBatch } from '../../../ports/table-engine.ts';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepareHere: prepare, look } = bench;

async function ndjson(name: string, text: string | Buffer): Promise<PrepareBatch['files'][number]> {
  const path = join(bench.folder(), name);
  await writeFile(path, text);
  return { name, path, format: 'ndjson' };
}

const typesOf = (batch: Awaited<ReturnType<typeof prepare>>): Record<string, string> =>
  Object.fromEntries(batch.columns.map(({ name, type }) => [name, type]));

test.each([
  ['hour.csv', 'csv'],
  ['HOUR.CSV.GZ', 'csv'],
  ['a.b.tsv', 'csv'],
  ['events.ndjson', 'ndjson'],
  ['events.jsonl.gz', 'ndjson'],
  ['p.parquet', 'parquet'],
  ['p.parquet.gz', undefined],
  ['archive.gz', undefined],
  ['x.constructor', undefined],
])('a file named %s has the format %s', (name, format) => {
  expect(formatOfName(name)).toBe(format);
});

describe('NDJSON', () => {
  test('has the types of JSON; a quoted number stays text, and days and times are recognised', async () => {
    const batch = await prepare([
      await ndjson(
        'a.ndjson',
        '{"id":1,"x":0.5,"zip":"0123","ok":true,"day":"2024-01-02","at":"2024-01-02T03:04:05Z"}\n\n{"id":2,"x":2,"zip":"9","ok":null,"day":null,"at":null,"late":"é\\n\\"q\\""}\n',
      ),
    ]);
    expect(typesOf(batch)).toEqual({
      id: 'integer',
      x: 'number',
      zip: 'string',
      ok: 'boolean',
      day: 'date',
      at: 'timestamp',
      late: 'string',
    });
    expect(await look(`SELECT id, x, zip, late FROM '${batch.parts[0]?.path}' ORDER BY id`)).toEqual([
      { id: '1', x: 0.5, zip: '0123', late: null },
      { id: '2', x: 2, zip: '9', late: 'é\n"q"' },
    ]);
  });

  test('is the same dataset as the same rows in CSV and in Parquet', async () => {
    const batches = [
      await prepare([await csv('a.csv', 'id,x,s\n1,0.5,a\n2,1.5,b\n')]),
      await prepare([await ndjson('a.ndjson', '{"id":2,"s":"b","x":1.5}\r\n{"x":0.5,"id":1,"s":"a"}')], {
        pinned: [
          { name: 'id', type: 'integer', nullable: false },
          { name: 'x', type: 'number', nullable: false },
          { name: 's', type: 'string', nullable: false },
        ],
      }),
      await prepare([await parquet('a.parquet', "SELECT * FROM (VALUES (1, 0.5, 'a'), (2, 1.5, 'b')) AS t(id, x, s)")]),
    ];
    expect(new Set(batches.map((batch) => batch.parts[0]?.sha256)).size).toBe(1);
  });

  test.each([
    ['a line that is not JSON', '{"a":1}\n{"a":\n', 2, /not JSON/],
    ['a line that is not an object', '{"a":1}\n\n[1]\n', 3, /a list/],
    ['a nested object', '{"a":1}\n{"a":{"b":2}}\n', 2, /"a" is an object/],
    ['a duplicate name', '{"a":1,"a":2}\n', 1, /twice/],
    ['a column with two types', '{"a":1}\n{"a":"x"}\n', 2, /"a" is a string here and a number elsewhere/],
    ['a NUL byte', '{"a":"x"}\n{"a":"\u0000"}\n', 2, /NUL/],
    ['an escaped NUL', '{"a":"x"}\n{"a":"\\u0000"}\n', 2, /NUL/],
  ])('%s is data-unreadable, with its line', async (_name, text, line, message) => {
    const failure = expect(prepare([await ndjson('given.ndjson', text)], { required: ['a'] })).rejects;
    await failure.toMatchObject({ code: 'data-unreadable', fields: { file: 'given.ndjson', line } });
    await failure.toThrow(message);
  });

  test('text in a pinned numeric column is refused, even if it looks like a number', async () => {
    const first = await prepare([await csv('1.csv', 'a\n1\n')]);
    await expect(prepare([await ndjson('2.ndjson', '{"a":2}\n{"a":"3"}\n')], after(first))).rejects.toMatchObject({
      code: 'data-unreadable',
    });
    await expect(prepare([await ndjson('2.ndjson', '{"a":"3"}\n')], after(first))).rejects.toMatchObject({
      code: 'schema-changed',
      fields: { column: 'a', line: 1, expected: 'integer', value: '3' },
    });
  });

  test('a number beyond 64 bits is refused, not converted to text', async () => {
    const file = await ndjson('1.ndjson', '{"a":12345678901234567890}\n');
    await expect(prepare([file], { required: ['a'] })).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: '1.ndjson', line: 1, column: 'a' },
    });
  });

  test('without a line is data-empty', async () => {
    await expect(prepare([await ndjson('1.ndjson', '\n\n')])).rejects.toMatchObject({ code: 'data-empty' });
  });
});

describe('gzip', () => {
  test('is recognised by its bytes, whatever the name, and line numbers are those of the text', async () => {
    const packed = await prepare([await csv('a.csv', gzipSync('a;b\n1;x\n'))]);
    expect(packed.parts[0]?.sha256).toBe((await prepare([await csv('a.csv', 'a;b\n1;x\n')])).parts[0]?.sha256);
    const lines = await prepare([await ndjson('a.ndjson.gz', gzipSync('{"a":1,"b":"x"}\n'))]);
    expect(lines.parts[0]?.sha256).toBe(packed.parts[0]?.sha256);
    await expect(prepare([await csv('a.csv.gz', gzipSync('a,b\n1,2\n3\n'))])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'a.csv.gz', line: 3 },
    });
  });

  test('that is truncated is data-unreadable', async () => {
    const whole = gzipSync(`a\n${'1\n'.repeat(1000)}`);
    await expect(prepare([await csv('a.csv.gz', whole.subarray(0, -12))])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'a.csv.gz' },
    });
  });

  test('that is a zip bomb is too-large, and is stopped before it fills the disk', async () => {
    const failure = expect(prepare([await csv('bomb.csv.gz', gzipSync(Buffer.alloc(100 * 2 ** 20, '1,1\n')))])).rejects;
    await failure.toMatchObject({ code: 'too-large', fields: { file: 'bomb.csv.gz' } });
    await failure.toThrow('250 times');
  });
});

describe('values beyond the limits are named with their line', () => {
  const long = 'x'.repeat(2 ** 20);
  test('a value of 1 MiB is the longest allowed', async () => {
    expect((await prepare([await csv('a.csv', `a,b\n1,"${long}"\n`)])).rowsAdded).toBe(1);
  });

  test.each([
    ['a longer value in CSV', 'csv', `a,b\n1,2\n1,${long}y\n`],
    ['a longer value in quotes', 'csv', `a,b\n1,2\n1,"${long}y"\n`],
    ['a line of many long values', 'csv', `a,b,c\n1,2,3\n${[1, 2, 3].map(() => 'x'.repeat(700_000)).join(',')}\n`],
    ['a longer value in NDJSON', 'ndjson', `\n{"a":"2"}\n{"a":"${long}y"}\n`],
  ] as const)('%s is too-large', async (_name, format, text) => {
    const file = format === 'csv' ? await csv('given', text) : await ndjson('given', text);
    await expect(prepare([file])).rejects.toMatchObject({ code: 'too-large', fields: { file: 'given', line: 3 } });
  });

  test('a longer value in Parquet is too-large, a NUL there data-unreadable', async () => {
    const query = `SELECT * FROM (VALUES ('a'), (repeat('x', ${2 ** 20 + 1}))) AS t(v)`;
    await expect(prepare([await parquet('p.parquet', query)])).rejects.toMatchObject({
      code: 'too-large',
      fields: { line: 2 },
    });
    await expect(prepare([await parquet('p.parquet', "SELECT 'a' || chr(0) AS v")])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { line: 1 },
    });
  });

  test('a NUL byte in CSV, with its line', async () => {
    await expect(prepare([await csv('given.csv', 'a,b\n1,2\n3,"x\ny\u0000"\n')])).rejects.toMatchObject({
      code: 'data-unreadable',
      fields: { file: 'given.csv', line: 4 },
    });
  });

  test('10,000 columns', async () => {
    const names = Array.from({ length: 10_000 }, (_, at) => `c${at}`);
    const failure = expect(
      prepare([await csv('wide.csv', `${names.join(',')}\n${names.map(() => 1).join(',')}\n`)]),
    ).rejects;
    await failure.toMatchObject({ code: 'too-large', fields: { file: 'wide.csv', limit: 9999 } });
    await failure.toThrow('leave out the columns that no model reads');
  });
});
