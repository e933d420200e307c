import { expect, test } from 'vitest';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const { csv, parquet, prepareHere: prepare } = bench;

/** Ingests one quoted text column and returns the warnings about it, such as `warning missing-word 1 NA`. */
async function told(values: readonly string[]): Promise<readonly string[]> {
  const rows = values.map((value, id) => `${id};"${value.replaceAll('"', '""')}"`).join('\n');
  const { warnings } = await prepare([await csv('a.csv', `id;x\n${rows}\n`)]);
  return warnings
    .filter(({ column, kind }) => column === 'x' && !['kept-as-text', 'without-type'].includes(kind))
    .map(({ level, kind, count, example }) => `${level} ${kind} ${count} ${example}`);
}

test.each([
  [['0.5', 'NA', '1.5', 'NA', 'n/a'], ['warning missing-word 3 NA']],
  [['1', '2', 'NULL'], ['warning missing-word 1 NULL']],
  [['1', '2', '\\N'], ['warning missing-word 1 \\N']],
  [['1', '2', '-', '3'], ['warning missing-word 1 -']],
  [['1', '2', 'None', '?', '.', 'missing', 'nan'], ['warning missing-word 5 .']],
  [['2026-01-01', 'null', '2026-01-02'], ['warning missing-word 1 null']],
  [['true', 'false', 'NA'], ['warning missing-word 1 NA']],
  [['1,25', '2,5', '30'], ['warning decimal-comma 2 1,25']],
  [['1,250', '2,5', '30'], ['warning decimal-comma 2 2,5']],
  [['1,234.50', '12', '1,000,000'], ['warning thousands-separator 2 1,000,000']],
  [['1.234,50', '1.000,00'], ['warning thousands-separator 2 1.000,00']],
  [['1 234', "1'000", '7'], ['warning thousands-separator 2 1 234']],
  [['12%', '3.5 %'], ['warning percent 2 12%']],
  [['€ 12', '$3.50', '7 EUR', '-€1,50'], ['warning currency 4 $3.50']],
  [['2026-02-28', '2026-02-30', '2026-13-01'], ['warning impossible-date 2 2026-02-30']],
  [['2026-02-28T25:00:00', '2026-02-28T05:00:00'], ['warning impossible-date 1 2026-02-28T25:00:00']],
  [['31.12.2026', '01.02.2026'], ['warning date-format 2 01.02.2026']],
  [['12/31/2026 10:00 AM', '1/2/26'], ['warning date-format 2 1/2/26']],
  [[' 1.5 ', '2.5', ' 3'], ['warning blanks 2  1.5 ']],
  [['yes', 'no', 'yes'], ['guess truth-word 3 no']],
  [['true', 'yes', 'false'], ['warning truth-word 1 yes']],
  [['1.5', 'inf', '-Infinity'], ['warning not-finite 2 -Infinity']],
  [['1', '2', '3', 'about 4'], ['guess mixed-values 1 about 4']],
  [[' ', '1.5'], ['warning missing-word 1  ']],
  [
    ['2026-01-01T10:00:00Z', '2026-01-01 11:00:00+02:00', '2026-01-01T12:00'],
    ['warning time-spelling 3 2026-01-01T12:00'],
  ],
  [['2026-01-01', '2026-01-02', '2026-01-01T12:00'], ['warning time-spelling 3 2026-01-01T12:00']],
  [['2026-01-01T10:00:00.123456789Z'], ['warning time-spelling 1 2026-01-01T10:00:00.123456789Z']],
  [['2026-01-01T9:00:00', '2026-01-01 10:00:00 +02:00'], ['warning time-spelling 2 2026-01-01 10:00:00 +02:00']],
  [
    ['2026-01-01', '2026-01-02T12:00', 'NA'],
    ['warning missing-word 1 NA', 'warning time-spelling 2 2026-01-01'],
  ],
  [['0', '1', 'true'], ['warning truth-word 1 true']],
  [['true', 'false', '1'], ['warning truth-word 2 false']],
  [['−12', '3'], ['warning number-spelling 1 −12']],
  [['１２', '3'], ['warning number-spelling 1 １２']],
  [['0x1F', '1_000', '7'], ['warning number-spelling 2 0x1F']],
  [["'1'", "'x'"], ["warning quotes 2 '1'"]],
])('the values %j cause the warnings %j', async (values, expected) => {
  expect(await told(values)).toEqual(expected);
});

test.each([
  [['Vienna', 'NA', 'Graz', '-']],
  [['a', 'b', 'c']],
  [['A12', 'B7', '17', 'C1']],
  [['0664', '0676', '+43 1 234 567 890']],
  [["rock 'n' roll", "'quoted'", 'plain']],
  [['2024_01', '2024_02', 'x']],
])('the values %j cause no warning', async (values) => {
  expect(await told(values)).toEqual([]);
});

test('a message contains column, count, an example and the way out', async () => {
  const { warnings } = await prepare([
    await csv('a.csv', 'id,x,d\n1,NA,03/04/2026\n2,1.5,01/01/2026\n3,n/a,05/06/2026\n'),
  ]);
  expect(warnings.find(({ kind }) => kind === 'missing-word')?.message).toBe(
    'column "x" is kept as text: 2 of its values look like a missing value, such as "NA"; if they mean a missing value, set data.nulls: ["NA", "n/a"]; if they are meant as text, set data.columns: { "x": string }',
  );
  expect(warnings.find(({ kind }) => kind === 'date-format')?.message).toContain('3 of its values');
});

test('counts are exact in a large batch, where only doubtful columns are read completely', async () => {
  const file = await parquet(
    'a.parquet',
    "SELECT i AS id, CASE WHEN i % 1000 = 7 THEN 'NA' ELSE CAST(i / 4 AS VARCHAR) END AS x, 'name ' || i AS s FROM range(30000) t(i)",
  );
  const { warnings } = await prepare([file]);
  expect(warnings.filter(({ kind }) => kind === 'missing-word')).toMatchObject([
    { column: 'x', count: 30, example: 'NA' },
  ]);
});

test('an expectation that a text column cannot meet explains what is doubtful about the column', async () => {
  const expectations = [{ column: 'x', severity: 'error' as const, min: 0 }];
  const file = await csv('a.csv', 'id,x\n1,NA\n2,1.5\n');
  await expect(prepare([file], { expectations })).rejects.toMatchObject({
    code: 'schema-changed',
    message: expect.stringContaining('set data.nulls: ["NA"]'),
  });
});

test('blanks around a column name cause a warning', async () => {
  const { warnings } = await prepare([await csv('a.csv', 'a, b ,c\n1,2,3\n')]);
  expect(warnings).toMatchObject([{ level: 'warning', kind: 'header', column: ' b ' }]);
  expect(warnings[0]?.message).toContain('write the name as "b"');
});
