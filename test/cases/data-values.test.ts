import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { caseFile, layCaseGround, outcomeOfRun } from './case-ground.ts';

// Values as real data files contain them: words for missing values, commas, signs, empty text, extremes, and many
// columns.

let ground: CaseGround;
beforeAll(async () => {
  ground = await layCaseGround();
});
afterAll(() => ground?.end());

async function applied(name: string, data: Parameters<CaseGround['model']>[1] = {}): Promise<CaseModel> {
  const model = await ground.model(name, data);
  const said = await model.apply();
  expect(said.code, said.stderr).toBe(0);
  return model;
}

function failureOf(run: Run) {
  expect(run.state).toBe('failed');
  return run.state === 'failed' ? run.failure : { code: '', message: '' };
}

function toldOf(version: DatasetVersion): readonly string[] {
  return version.warnings.map(({ level, kind, column, count, example }) =>
    [level, kind, column ?? '–', count, example].join(' '),
  );
}

function typeOf(version: DatasetVersion, name: string): string | undefined {
  return version.manifest.columns.find((column) => column.name === name)?.type;
}

test('a stray NA in a later batch is refused with the way out, and accepted with data.nulls', async () => {
  const model = await applied('missing-later');
  outcomeOfRun(await model.ingest(caseFile('missing-words/clean.csv')));
  const { message } = failureOf(await model.ingest(caseFile('missing-words/with-na.csv')));
  expect(message).toContain('"x"');
  expect(message).toContain('data.nulls: ["NA"]');
  expect(message).not.toContain('begin a new model');
  await model.configure({ data: { nulls: ['', 'NA'] } });
  expect((await model.apply()).code).toBe(0);
  outcomeOfRun(await model.ingest(caseFile('missing-words/with-na.csv')));
  const version = await model.dataset();
  expect(typeOf(version, 'x')).toBe('number');
  expect(version.profile?.columns.find(({ name }) => name === 'x')?.nulls).toBeGreaterThan(0);
});

test('a stray NA in the first batch causes a warning in the run, the version and the command line', async () => {
  const model = await applied('missing-first');
  const said = await ground.cli('data', 'ingest', '--model', model.name, caseFile('missing-words/with-na.csv'));
  expect(said.code, said.stderr).toBe(0);
  const sentence =
    /warning: column "x" is kept as text: \d+ of its values look like a missing value, such as "NA".*data\.nulls: \["NA"\]/;
  expect(said.stderr).toMatch(sentence);
  expect(said.stdout).not.toContain('data.nulls');
  const shown = await ground.cli('data', 'show', '1', '--model', model.name);
  expect(shown.stdout).toMatch(sentence);
  const listed = await ground.cli('runs', '--model', model.name, '--kind', 'data', '--json');
  expect(listed.stdout).toContain('missing-word');
  const other = await applied('missing-first-said', { data: { nulls: ['NA'] } });
  outcomeOfRun(await other.ingest(caseFile('missing-words/with-na.csv')));
  expect(typeOf(await other.dataset(), 'x')).toBe('number');
  expect(toldOf(await other.dataset())).toEqual([]);
});

test('decimal commas, blanks around numbers and the delimiter are named with count and example', async () => {
  const model = await applied('decimal-commas');
  outcomeOfRun(await model.ingest(caseFile('decimal-commas/rows.csv')));
  const told = toldOf(await model.dataset());
  expect(told).toContainEqual(expect.stringMatching(/^warning decimal-comma x 30 \d+,25$/));
  expect(told).toContainEqual(expect.stringMatching(/^warning blanks price 30  \d+\.5 $/));
  expect(told).toContainEqual('guess delimiter – 4 ;');
});

test('signs, separators, dates and words that keep a column text are each named with the way out', async () => {
  const content = [
    'id,x,a,b,c,d,e,f,y',
    '1,1,"1,234.50",12%,€5,2026-02-30,31.12.2026,\\N,1',
    '2,2,12,3.5%,€6,2026-02-28,01.02.2026,7,2',
    '3,3,"1,000",4%,€7,2026-03-01,05.06.2026,8,3',
  ].join('\n');
  const model = await applied('signs');
  outcomeOfRun(await model.ingest({ name: 'rows.csv', content: `${content}\n` }));
  const version = await model.dataset();
  const told = toldOf(version);
  for (const expected of [
    'warning thousands-separator a 2 1,000',
    'warning percent b 3 12%',
    'warning currency c 3 €5',
    'warning impossible-date d 1 2026-02-30',
    'warning date-format e 3 01.02.2026',
    'warning missing-word f 1 \\N',
  ])
    expect(told).toContain(expected);
  for (const { message, column, level } of version.warnings)
    if (level === 'warning') {
      expect(message).toContain(`"${column}"`);
      expect(message).toMatch(/write|set|correct/);
    }
});

test('rows that are checked out as CSV and ingested again are unchanged', async () => {
  const model = await applied('there-and-back', { data: { features: ['phone'] } });
  outcomeOfRun(await model.ingest(caseFile('there-and-back/rows.csv')));
  const file = join(model.files.folder, 'back.csv');
  const said = await ground.cli('data', 'checkout', '1', '--model', model.name, '-o', file);
  expect(said.code, said.stderr).toBe(0);
  expect(said.stderr).toContain('--for-spreadsheets');
  expect(await readFile(file, 'utf8')).toBe(await readFile(caseFile('there-and-back/rows.csv'), 'utf8'));
  expect(outcomeOfRun(await model.ingest(file))).toMatchObject({ unchanged: true, skipped: 4, added: 0 });
  const other = await applied('there-and-back-new', { data: { features: ['phone'] } });
  outcomeOfRun(await other.ingest(file));
  expect((await other.dataset()).digest).toBe((await model.dataset()).digest);
  const safe = await ground.cli(
    'data',
    'checkout',
    '1',
    '--model',
    model.name,
    '-o',
    file,
    '--force',
    '--for-spreadsheets',
  );
  expect(safe.stderr).toContain('apostrophe');
  expect(await readFile(file, 'utf8')).toContain("'=A1");
});

test('empty text and a missing value stay different in every format', async () => {
  const rows = ['id,s,n,y', '1,"",,1', '2,,"",2', '3," a",3.5,3', ''].join('\n');
  const json = '{"id":1,"s":"","n":null,"y":1}\n{"id":2,"s":null,"n":null,"y":2}\n{"id":3,"s":" a","n":3.5,"y":3}\n';
  const csv = await applied('empty-text-csv', { data: { features: ['n'] } });
  outcomeOfRun(await csv.ingest({ name: 'rows.csv', content: rows }));
  const ndjson = await applied('empty-text-ndjson', { data: { features: ['n'] } });
  outcomeOfRun(await ndjson.ingest({ name: 'rows.ndjson', content: json }));
  const version = await csv.dataset();
  expect(typeOf(version, 'n')).toBe('number');
  expect(version.profile?.columns.find(({ name }) => name === 's')).toMatchObject({ nulls: 1, distinct: 2 });
  expect((await ndjson.dataset()).digest).toBe(version.digest);
  expect(await csv.rows(1)).toBe('id,s,n,y\n1,"",,1\n2,,,2\n3, a,3.5,3\n');
});

test('in a file that quotes every field, an empty field is a missing value', async () => {
  const model = await applied('all-quoted', { data: { features: ['x'] } });
  outcomeOfRun(
    await model.ingest({ name: 'rows.csv', content: '"id","x","s","y"\n"1","","a","1"\n"2","2.5","","2"\n' }),
  );
  const version = await model.dataset();
  expect(typeOf(version, 'x')).toBe('number');
  expect(version.profile?.columns.map(({ name, nulls }) => `${name} ${nulls}`)).toEqual(['id 0', 'x 1', 's 1', 'y 0']);
  expect(toldOf(version)).toContain('guess empty-text – 2 ""');
});

test('the largest finite numbers are ingested with a profile, and compared', async () => {
  const model = await applied('huge');
  outcomeOfRun(await model.ingest(caseFile('huge-numbers/rows.csv')));
  const { profile } = await model.dataset();
  expect(profile?.columns.find(({ name }) => name === 'x')).toMatchObject({ max: 1e308, mean: expect.any(Number) });
  outcomeOfRun(await model.ingest({ name: 'more.csv', content: 'id,x,y\n100,-1e308,-1e300\n101,5e-324,1\n' }));
  const said = await ground.cli('data', 'diff', '1', '2', '--model', model.name, '--json');
  expect(said.code, said.stderr).toBe(0);
  expect(said.stdout).not.toMatch(/Infinity|NaN/);
});

test('times in the year 10000 are refused with column and value, without a retry', async () => {
  const model = await applied('far-times', { data: { features: ['id'] } });
  const run = await model.ingest(caseFile('far-times/rows.parquet'));
  expect(failureOf(run).message).toMatch(/column "at" has 10000-01-01/);
  expect(run.steps.filter(({ attempt }) => attempt > 1)).toEqual([]);
});

test('2,000 columns are ingested in seconds', async () => {
  const width = 2_000;
  const cell = (row: number, at: number): string => {
    if (at % 3 === 0) return String((row * at) % 97);
    return at % 3 === 1 ? `${((row * at) % 1009) / 8}` : `word ${(row + at) % 7}`;
  };
  const places = Array.from({ length: width - 2 }, (_, at) => at);
  const lines = Array.from({ length: 400 }, (_, row) => [row, row % 2, ...places.map((at) => cell(row, at))].join(','));
  const header = ['id', 'y', ...places.map((at) => `c${at}`)].join(',');
  const model = await applied('wide', { data: { features: ['c0', 'c1'] } });
  const run = await model.ingest({ name: 'wide.csv', content: `${header}\n${lines.join('\n')}\n` });
  outcomeOfRun(run);
  const took = 'endedAt' in run ? Date.parse(run.endedAt) - Date.parse(run.startedAt ?? run.recordedAt) : Infinity;
  // Took 139 s before a fix, and takes under 10 s on an idle machine.
  expect(took).toBeLessThan(60_000);
  expect((await model.dataset()).profile?.columns).toHaveLength(width);
});
