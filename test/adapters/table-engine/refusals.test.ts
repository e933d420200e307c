import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { saidByDuckDb } from '../../../adapters/table-engine/process/said-by-duckdb.ts';
import { after, tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepareHere: prepare } = bench;

async function messageOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'nothing was refused',
    (caught: unknown) => (caught instanceof Error ? caught.message : String(caught)),
  );
}

async function ndjson(text: string): ReturnType<typeof csv> {
  return { ...(await csv('a.ndjson', text)), format: 'ndjson' };
}

describe('a CSV file', () => {
  test.each([
    ['mixed line ends', 'a,b\r\n1,2\n3,4\r\n', /line endings differ.*dos2unix/],
    [
      'the delimiter line that Excel writes',
      'sep=;\na;b\n1;2\n',
      /line 1: the first line is "sep=;".*remove this line/,
    ],
    ['a comment before the header', '# made by x\na,b\n1,2\n', /line 1: "# made by x" looks like a comment/],
    ['a comment of more values', '// by x, y, z\na,b\n1,2\n', /line 1: .*looks like a comment/],
    ['a comma at the end of each line', 'a,b,\n1,2,\n', /column 3 .*no line may end with a delimiter/],
    ['HTML', '<!DOCTYPE html><p>x</p>', /looks like an HTML or XML page/],
    ['HTML on several lines', '<html>\n<body>\n</html>\n', /looks like an HTML or XML page/],
    ['XML', '\ufeff<?xml version="1.0"?>\n<a/>\n', /looks like an HTML or XML page/],
    ['a JSON list', '[{"a":1},\n{"a":2}]\n', /looks like JSON; .*one object per line/],
    ['NDJSON', '{"a":1,"b":2}\n{"a":3,"b":4}\n', /looks like JSON; .*[.]ndjson/],
    ['a workbook', Buffer.from([0x50, 0x4b, 3, 4, 0xff, 0]), /looks like a zip archive/],
    ['Parquet', 'PAR1abc', /looks like Parquet/],
    ['a PDF', '%PDF-1.4\nx\ny\n', /looks like a PDF/],
  ])('is refused with the reason: %s', async (_name, text, expected) => {
    const message = await messageOf(prepare([await csv('a.csv', text)]));
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/Error:|state machine|\/tmp/);
  });

  test('may have column names that begin with # or {', async () => {
    const { columns } = await prepare([await csv('a.csv', '#id,{x},PK\n1,2,3\n')]);
    expect(columns.map(({ name }) => name)).toEqual(['#id', '{x}', 'PK']);
  });
});

describe('an NDJSON file', () => {
  test.each([
    [String.raw`{"a":"\ud800"}`, /^a.ndjson, line 1: .*half of a surrogate pair/],
    [String.raw`{"a":1}${'\n'}{"\udc00":1}`, /^a.ndjson, line 2: .*half of a surrogate pair/],
    ['{"a":1}\n\n{"a":', /^a.ndjson, line 3: it is not JSON; write one object per line$/],
    ['1', /line 1: it is a number, not an object/],
    ['-1.5', /it is a number, not/],
    ['"x"', /it is a text, not/],
    ['[{"a":1}]', /it is a list, not/],
    ['{"a":NaN}', /"a" is NaN, which is not a JSON value; write null, or set data.nulls: \["NaN"\]/],
    ['{"a":-Infinity}', /"a" is -Infinity, which is not a JSON value/],
  ])('%s is refused with its line and without internal terms', async (text, expected) => {
    const message = await messageOf(prepare([await ndjson(`${text}\n`)]));
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/Error:|Malformed|bigint|\/tmp/);
  });

  test('may declare NaN without quotes as a missing value, in the first and later batches', async () => {
    const nulls = ['NaN'];
    const first = await prepare([await ndjson('{"a":NaN}\n{"a":1.5}\n')], { nulls });
    expect(first.columns).toEqual([{ name: 'a', type: 'number', nullable: true }]);
    const later = await prepare([await ndjson('{"a":NaN}\n')], { ...after(first), nulls });
    expect(later.rowsAdded).toBe(1);
    expect(await messageOf(prepare([await ndjson('{"a":NaN}\n')], after(first)))).toContain('data.nulls: ["NaN"]');
  });
});

describe('a Parquet file', () => {
  test('without rows is refused without mention of CSV', async () => {
    const message = await messageOf(prepare([await parquet('a.parquet', 'SELECT 1 AS a WHERE false')]));
    expect(message).toBe('a.parquet has no rows; it must have at least one');
  });

  test.each<[string, (bytes: Buffer) => Buffer, RegExp]>([
    ['a truncated file', (bytes) => bytes.subarray(0, 200), /cut off/],
    ['a file without its middle', (bytes) => Buffer.concat([bytes.subarray(0, 40), bytes.subarray(-60)]), /cut off/],
    ['a file with a damaged part', (bytes) => Buffer.from(bytes).fill(7, 60, 3000), /a part of it is broken/],
    ['a file of four bytes', () => Buffer.from('PAR1'), /cut off/],
  ])('%s is refused without its path on this machine', async (_name, damage, expected) => {
    const file = await parquet('a.parquet', 'SELECT i AS a FROM range(10000) t(i)');
    await writeFile(file.path, damage(await readFile(file.path)));
    const message = await messageOf(prepare([file]));
    expect(message).toMatch(expected);
    expect(message).not.toMatch(/Error:|\/tmp|\/f\d/);
  });
});

test('an invalid pattern is refused without the words of the database', async () => {
  const expectations = [{ column: 'a', pattern: '(', severity: 'error' as const }];
  const message = await messageOf(prepare([await csv('a.csv', 'a\nx\n')], { expectations }));
  expect(message).toMatch(/is not a valid RE2 expression: missing \)/);
});

test.each([
  ['IO Error: Cannot open file "/srv/x y/a.csv": Permission denied\nmore', 'Cannot open file a.csv: Permission denied'],
  ["Invalid Input Error: Failed in File '/a.parquet' twice", 'Failed in File a.parquet twice'],
  ['Conversion Error: Could not convert string "/a/b" to INT64', 'Could not convert string "/a/b" to INT64'],
])('the error %j is shown as %j', (said, expected) => {
  expect(saidByDuckDb(new Error(said))).toBe(expected);
});
