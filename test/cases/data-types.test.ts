import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Run } from '../../contracts/runs/run.ts';
import { until } from '../support/until.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { caseFile, layCaseGround, outcomeOfRun } from './case-ground.ts';

let ground: CaseGround;
beforeAll(async () => {
  ground = await layCaseGround();
});
afterAll(() => ground?.end());

/** Creates and applies a model. By default a build of it reads only the columns `id`, `x` and `y`. */
async function model(name: string, data: Parameters<CaseModel['configure']>[0]['data'] = {}): Promise<CaseModel> {
  const made = await ground.model(name, { data });
  const applied = await made.apply();
  expect(applied.code, applied.stderr).toBe(0);
  return made;
}

async function typesOf(made: CaseModel, version?: number): Promise<Record<string, string>> {
  const { manifest } = await made.dataset(version);
  return Object.fromEntries(manifest.columns.map(({ name, type }) => [name, type]));
}

async function column(made: CaseModel, version: number, name: string): Promise<string[]> {
  const [header = '', ...lines] = (await made.rows(version)).trim().split(/\r?\n/);
  const at = header.split(',').indexOf(name);
  return lines.map((line) => line.split(',')[at] ?? '');
}

function reasonOf(run: Run): string {
  expect(run).toMatchObject({ state: 'failed' });
  return run.state === 'failed' ? run.failure.message : '';
}

describe('padded codes', () => {
  test('stay text with all digits and zeros, and the version says so', async () => {
    const codes = await model('padded', { features: ['id'] });
    outcomeOfRun(await codes.ingest(caseFile('padded-codes/rows.csv')));
    expect(await typesOf(codes)).toEqual({ id: 'integer', plz: 'string', account: 'string', y: 'integer' });
    expect((await column(codes, 1, 'plz'))[0]).toBe('08011');
    const { warnings } = await codes.dataset();
    expect(warnings).toContainEqual(expect.objectContaining({ kind: 'kept-as-text', column: 'plz', example: '08011' }));
  });

  test('stay text, as do phone numbers, codes with an E, one-digit versions and long ids', async () => {
    const codes = await model('codes', { features: ['id'] });
    const rows =
      'id,phone,code,long,x,y\n1,+43664,1E5,12345678901234567890,1.50,1\n2,+431,2E7,12345678901234567891,2,2\n';
    outcomeOfRun(await codes.ingest({ name: 'rows.csv', content: rows }));
    expect(await typesOf(codes)).toEqual({
      id: 'integer',
      phone: 'string',
      code: 'string',
      long: 'string',
      x: 'number',
      y: 'integer',
    });
    expect(await column(codes, 1, 'long')).toEqual(['12345678901234567890', '12345678901234567891']);
  });

  test('are refused in an integer column, with a way out that works', async () => {
    const codes = await model('later', { features: ['id'] });
    outcomeOfRun(await codes.ingest({ name: '1.csv', content: 'id,plz,y\n1,8010,1\n' }));
    const second = { name: '2.csv', content: 'id,plz,y\n2,08011,2\n' };
    expect(reasonOf(await codes.ingest(second))).toMatch(
      /line 2: column "plz".*"08011".*data\.columns: \{ plz: string \}/,
    );
    await codes.configure({ data: { columns: { plz: 'string' } } });
    expect((await codes.apply()).code).toBe(0);
    outcomeOfRun(await codes.ingest(second));
    expect((await column(codes, 2, 'plz')).toSorted()).toEqual(['08011', '8010']);
    expect((await codes.dataset()).warnings).toContainEqual(
      expect.objectContaining({ level: 'warning', kind: 'converted', column: 'plz' }),
    );
  });
});

describe('words that mean a missing value', () => {
  test('in a later batch are refused with data.nulls as the way out, which works', async () => {
    const words = await model('words');
    outcomeOfRun(await words.ingest(caseFile('missing-words/clean.csv')));
    const reason = reasonOf(await words.ingest(caseFile('missing-words/with-na.csv')));
    expect(reason).toMatch(/column "x".*"NA" does not fit \(20 such values in all\).*data\.nulls: \["NA"\]/);
    expect(reason).not.toContain('new model');
    await words.configure({ data: { nulls: ['NA'] } });
    expect((await words.apply()).code).toBe(0);
    outcomeOfRun(await words.ingest(caseFile('missing-words/with-na.csv')));
    expect(await typesOf(words)).toMatchObject({ x: 'number' });
    expect((await column(words, 2, 'x')).filter((x) => x === '')).toHaveLength(20);
  });

  test('in the first batch make a column text, which a declaration and data.nulls turn into numbers', async () => {
    const words = await model('words-first');
    outcomeOfRun(await words.ingest(caseFile('missing-words/with-na.csv')));
    expect(await typesOf(words)).toMatchObject({ x: 'string' });
    await words.configure({ data: { columns: { x: 'number' } } });
    expect((await words.apply()).code).toBe(0);
    expect(reasonOf(await words.ingest(caseFile('missing-words/clean.csv')))).toMatch(
      /"x" cannot become number.* 20 .*"NA".*data\.nulls: \["NA"\]/,
    );
    await words.configure({ data: { nulls: ['NA'], fill: { x: 0 } } });
    expect((await words.apply()).code).toBe(0);
    outcomeOfRun(await words.ingest(caseFile('missing-words/clean.csv')));
    expect(await typesOf(words)).toMatchObject({ x: 'number' });
    expect(outcomeOfRun(await words.build())).toMatchObject({ decision: expect.any(String) });
  });
});

describe('a column without a value', () => {
  test('has no type until a value comes, and no build reads it before', async () => {
    const discounts = await model('discounts', { features: ['discount'] });
    outcomeOfRun(await discounts.ingest(caseFile('empty-at-first/first.csv')));
    expect((await discounts.dataset()).warnings).toContainEqual(
      expect.objectContaining({ kind: 'without-type', column: 'discount' }),
    );
    expect(reasonOf(await discounts.build())).toMatch(/"discount" has no value.*its type is not known/);
    outcomeOfRun(await discounts.ingest(caseFile('empty-at-first/second.csv')));
    expect(await typesOf(discounts)).toMatchObject({ discount: 'number' });
    expect(await column(discounts, 2, 'discount')).toHaveLength(60);
    await discounts.configure({ data: { fill: { discount: 0 } } });
    expect((await discounts.apply()).code).toBe(0);
    expect(outcomeOfRun(await discounts.build())).toMatchObject({ decision: expect.any(String) });
  });

  test('can also become text or times', async () => {
    const later = await model('later-values', { features: ['id'] });
    outcomeOfRun(await later.ingest({ name: '1.csv', content: 'id,a,b,y\n1,,,1\n' }));
    outcomeOfRun(await later.ingest({ name: '2.csv', content: 'id,a,b,y\n2,0664,2026-01-01,1\n' }));
    expect(await typesOf(later)).toMatchObject({ a: 'string', b: 'date' });
  });
});

describe('exact numbers', () => {
  test('as decimal ids keep every digit, and different ids stay different', async () => {
    const ids = await model('decimal-ids', { features: ['id'] });
    outcomeOfRun(await ids.ingest(caseFile('exact-numbers/decimal-ids.parquet')));
    expect(await typesOf(ids)).toMatchObject({ id: 'integer' });
    expect(await column(ids, 1, 'id')).toEqual(
      Array.from({ length: 20 }, (_, at) => String(9_007_199_254_741_001n + 2n * BigInt(at))),
    );
  });

  test('as unsigned integers above 2^63 are exact, in Parquet and in CSV', async () => {
    const wanted = Array.from({ length: 20 }, (_, at) => String(2n ** 63n + BigInt(at)));
    const parquet = await model('unsigned', { features: ['y'], target: 'id' });
    outcomeOfRun(await parquet.ingest(caseFile('exact-numbers/unsigned.parquet')));
    const csv = await model('unsigned-csv', { features: ['y'], target: 'id' });
    outcomeOfRun(
      await csv.ingest({ name: 'rows.csv', content: `id,y\n${wanted.map((id, at) => `${id},${at}\n`).join('')}` }),
    );
    for (const ids of [parquet, csv]) expect((await column(ids, 1, 'id')).toSorted()).toEqual(wanted);
    outcomeOfRun(await parquet.ingest({ name: 'rows.csv', content: `id,y\n${wanted[3]},3\n${2n ** 63n + 99n},99\n` }));
    expect((await parquet.dataset()).manifest.rows).toBe(21);
  });

  test('as amounts beyond the precision of numbers are text, or refused in a declared numeric column', async () => {
    const money = await model('money', { features: ['id'] });
    outcomeOfRun(await money.ingest(caseFile('exact-numbers/money.parquet')));
    expect((await column(money, 1, 'amount'))[0]).toBe('100000000000000.07');
    const declared = await model('money-declared', { features: ['id'], columns: { amount: 'number' } });
    expect(reasonOf(await declared.ingest(caseFile('exact-numbers/money.parquet')))).toMatch(
      /"amount" is declared as number.*100000000000000\.07/,
    );
    const csv = await model('money-csv', { features: ['id'] });
    outcomeOfRun(await csv.ingest({ name: 'rows.csv', content: 'id,amount,y\n1,100000000000000.07,1\n2,1.50,2\n' }));
    expect(await column(csv, 1, 'amount')).toEqual(['100000000000000.07', '1.50']);
  });
});

describe("pandas' index", () => {
  test('is left out, and a file without it can be appended, in either order', async () => {
    for (const [name, files] of [
      ['index-first', ['filtered', 'plain']],
      ['index-later', ['plain', 'filtered']],
    ] as const) {
      const frames = await model(name);
      for (const file of files) outcomeOfRun(await frames.ingest(caseFile(`pandas-index/${file}.parquet`)));
      expect(await typesOf(frames)).toEqual({ id: 'integer', x: 'number', y: 'integer' });
      expect((await frames.dataset()).manifest.rows).toBe(40);
    }
  });

  test('is left out in CSV, with or without a name, unless the configuration names it', async () => {
    const csv = await model('index-csv');
    outcomeOfRun(await csv.ingest({ name: '1.csv', content: ',id,x,y\n5,1,0.5,1\n7,2,1.5,2\n' }));
    expect((await csv.dataset()).warnings).toContainEqual(expect.objectContaining({ kind: 'index-left-out' }));
    outcomeOfRun(await csv.ingest({ name: '2.csv', content: 'Unnamed: 0,id,x,y\n0,3,0.5,1\n' }));
    outcomeOfRun(await csv.ingest({ name: '3.csv', content: 'id,x,y\n4,0.5,1\n' }));
    expect(await typesOf(csv)).toEqual({ id: 'integer', x: 'number', y: 'integer' });
    const named = await model('index-named', { key: 'Unnamed: 0', features: ['x'] });
    outcomeOfRun(await named.ingest({ name: '1.csv', content: 'Unnamed: 0,x,y\n0,0.5,1\n1,1.5,2\n' }));
    expect(await typesOf(named)).toMatchObject({ 'Unnamed: 0': 'integer' });
    expect(
      reasonOf(await (await model('no-name')).ingest({ name: '1.csv', content: ',id,x,y\na,1,0.5,1\n' })),
    ).toContain('no name');
  });
});

describe('columns that nothing reads', () => {
  test('are left out with a warning if their type cannot be stored', async () => {
    const unread = await model('unread');
    outcomeOfRun(await unread.ingest(caseFile('unread-columns/embedding.parquet')));
    expect(await typesOf(unread)).toEqual({ id: 'integer', x: 'number', y: 'integer' });
    const { warnings } = await unread.dataset();
    for (const name of ['embedding', 'took'])
      expect(warnings).toContainEqual(expect.objectContaining({ level: 'warning', kind: 'left-out', column: name }));
    outcomeOfRun(
      await unread.ingest({ name: '2.ndjson', content: '{"id":77,"x":1.5,"y":2,"embedding":[1,2],"took":{"s":1}}\n' }),
    );
    expect((await unread.dataset()).manifest.rows).toBe(21);
  });

  test('are refused by name if something reads them', async () => {
    for (const name of ['embedding', 'took']) {
      const read = await model(`read-${name}`, { features: [name] });
      expect(reasonOf(await read.ingest(caseFile('unread-columns/embedding.parquet')))).toMatch(
        new RegExp(`"${name}" of type .*target or feature; write`),
      );
    }
  });

  test('are left out without a warning if data.columns says so', async () => {
    const ignored = await model('ignored', { columns: { embedding: 'ignore', took: 'ignore' } });
    outcomeOfRun(await ignored.ingest(caseFile('unread-columns/embedding.parquet')));
    expect((await ignored.dataset()).warnings).toEqual([]);
  });
});

test('applying refuses a declaration that contradicts an expectation, or an ignored column that is read', async () => {
  const wrong = await ground.model('contradicted', {
    data: { columns: { x: 'ignore' }, expectations: [] },
  });
  expect(await wrong.apply()).toMatchObject({ code: 2, stderr: expect.stringContaining('data.features uses it') });
  await wrong.configure({ data: { columns: { z: 'string' }, expectations: [{ column: 'z', type: 'number' }] } });
  expect(await wrong.apply()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('data.columns declares it as string'),
  });
});

describe('odd column names', () => {
  const features = ['size (cm), net', 'naïve', 'order', '2nd', 'say "hi"', 'prediction', 'constructor'];

  test('work in every step', async () => {
    const odd = await ground.model('odd-names', { data: { features } });
    await odd.serve(caseFile('odd-names/rows.csv'));
    expect(Object.keys(await typesOf(odd))).toEqual(['id', ...features.slice(0, 6), '__proto__', 'constructor', 'y']);
    const inputs = features.map((name, at) => ({ name, datatype: 'FP32', shape: [1], data: [at] }));
    expect(await odd.infer({ inputs })).toMatchObject({ status: 200, body: { outputs: [{ data: [21] }] } });
    const record = Object.fromEntries(features.map((name, at) => [name, at]));
    expect(await odd.invoke({ dataframe_records: [record] })).toMatchObject({ status: 200 });
    const evidence = await ground.stack.get(z.unknown(), '/v1/models/odd-names/versions/1');
    expect(JSON.stringify(evidence)).toContain(JSON.stringify(features[4]));
    expect((await odd.rows(1)).split('\n')[0]).toContain('"say ""hi"""');
    const report = await until('both rows are logged', async () => {
      const made = await odd.monitor();
      return made.body.predictions === 2 ? made.body : undefined;
    });
    expect(report.drift.map((finding) => finding.column)).toEqual(expect.arrayContaining(features));
  }, 120_000);

  test('that no configuration can name are refused at apply', async () => {
    const odd = await ground.model('odd-proto', { data: { features: ['_at'] } });
    expect(await odd.apply()).toMatchObject({ code: 2, stderr: expect.stringContaining('_at') });
  });
});
