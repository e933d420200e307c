import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { DatasetDifference } from '../../contracts/data/dataset-difference.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import { Report } from '../../contracts/monitoring/report.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { columnsModel, fillableModel, tolerantModel } from '../support/onnx-models.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';

// Two models go through the whole lifecycle: one has awkward feature names, the other has missing values.

const oddNames = [
  'size (cm), net',
  'naïve',
  'nai\u0308ve',
  'order',
  'select',
  '2nd',
  'say "hi"',
  "it's; DROP TABLE rows--",
  'prediction',
  'target',
  '__proto__',
  'constructor',
  'toString',
  'f_x',
  'a.b/c~d[0]',
  '<b>bold</b> & co',
  ' blank ',
  'שלום 名前 🙂',
  '${features} %s {0}',
  'two\nlines\tand a tab',
  'id2'.padEnd(200, 'x'),
];

let stack: EmbeddedStack;
const models: TinyModel[] = [];
beforeAll(async () => {
  stack = await startStackOfRun();
});
afterAll(async () => {
  await stack?.end();
  for (const model of models) await model.remove();
});

async function modelOf(...given: Parameters<typeof tinyModel>): Promise<TinyModel> {
  const made = await tinyModel(...given);
  models.push(made);
  return made;
}

const firstHour = Date.UTC(2026, 0, 1);

function instantOf(hour: number): string {
  return new Date(firstHour + hour * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

function quoted(cell: string | number): string {
  return `"${String(cell).replaceAll('"', '""')}"`;
}

/** Returns one row per hour: a value for each feature, derived from its position, and the sum of the values. */
function oddRows(from: number, to: number): string {
  const rows = Array.from({ length: to - from }, (_, at) => {
    const hour = from + at;
    const cells = oddNames.map((_name, place) => (hour * (place + 3)) % 11);
    return [hour, instantOf(hour), ...cells, cells.reduce((sum, cell) => sum + cell, 0)];
  });
  return [['id', 'at', ...oddNames, 'cnt'].map(quoted), ...rows].map((cells) => `${cells.join(',')}\n`).join('');
}

async function deployed(name: string): Promise<z.infer<typeof Approval>> {
  expect((await stack.request('POST', `/v1/models/${name}/deployments`, { version: 1 })).status).toBe(202);
  const approval = await until('an approval is asked for', async () => {
    const { items } = await stack.get(z.object({ items: z.array(Approval) }), '/v1/approvals?status=pending');
    return items.find((item) => item.model === name);
  });
  const { id, digest } = approval;
  await stack.request('POST', `/v1/approvals/${id}/votes`, { decision: 'approve', digest }, 'approver');
  await until('the release serves', async () => (await gateway(`GET /v2/models/${name}/ready`)).status === 200);
  return approval;
}

async function gateway(request: string, body?: unknown) {
  const [method = 'GET', path = '/'] = request.split(' ');
  const answer = await fetch(`${stack.gateway}${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, body: z.looseObject({}).parse(await answer.json()) };
}

async function page(path: string): Promise<string> {
  const answer = await fetch(`${stack.api}${path}`, { headers: { authorization: `Bearer ${stack.keys.operator}` } });
  expect(answer.status).toBe(200);
  return answer.text();
}

const escapedNames = ['&lt;b&gt;bold&lt;/b&gt; &amp; co', 'say &quot;hi&quot;', '__proto__', 'constructor'];
const escape = (html: string) => html.replaceAll('&#34;', '&quot;');

test('features with awkward names work in every step of the lifecycle', async () => {
  const model = await modelOf('odd-names', (configuration) => ({
    ...configuration,
    data: {
      ...configuration.data,
      features: oddNames,
      expectations: oddNames.map((column) => ({ column, min: 0, max: 10, notNull: true, severity: 'error' as const })),
    },
    build: {
      ...configuration.build,
      gates: [
        { metric: 'rmse', max: 1 },
        { metric: 'rmse', slice: '__proto__', minRows: 1, max: 1 },
        { metric: 'rmse', slice: 'say "hi"', minRows: 1, max: 1 },
      ],
    },
    monitor: { every: '1 day', minRows: 10, drift: { exclude: ['prediction', '__proto__'] } },
  }));
  const weights = oddNames.map(() => 1);
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
    'model.onnx': columnsModel({ features: oddNames, weights, bias: 0 }),
  });
  await model.data(oddRows(0, 240));
  const of = ['--model', 'odd-names'];
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
  const dataset = await stack.json(DatasetVersion, ['data', 'show', '1', ...of]);
  expect(dataset.manifest.columns.map(({ name }) => name)).toEqual(['id', 'at', ...oddNames, 'cnt']);
  expect(dataset.profile?.columns.map(({ name }) => name)).toEqual(['id', 'at', ...oddNames, 'cnt']);

  // Ingesting exported data again changes nothing, in either format.
  for (const format of ['csv', 'parquet']) {
    const file = join(model.folder, `rows.${format}`);
    await stack.json(z.unknown(), ['data', 'checkout', '1', ...of, '-o', file, '--force']);
    await model.configure((configuration) => ({
      ...configuration,
      data: { ...configuration.data, source: { path: `rows.${format}` } },
    }));
    const again = await stack.json(z.looseObject({}), ['data', 'ingest', '-f', model.file]);
    expect(again, format).toMatchObject({ added: 0, unchanged: true });
  }
  await model.configure((configuration) => ({
    ...configuration,
    data: { ...configuration.data, source: { path: 'rows.csv' } },
  }));
  await model.data(oddRows(240, 250));
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
  const difference = await stack.json(DatasetDifference, ['data', 'diff', '1', '2', ...of]);
  expect(JSON.stringify(difference)).toContain('__proto__');

  const build = await stack.json(z.looseObject({ decision: z.string() }), [
    'build',
    ...of,
    '--as-of',
    '2026-01-11T00:00:00Z',
  ]);
  expect(build.decision).toBe('candidate');
  const { evaluation } = await stack.get(
    z.looseObject({ evaluation: z.looseObject({ body: EvaluationBody }) }),
    '/v1/models/odd-names/versions/1',
  );
  expect(new Set(evaluation.body.slices.map(({ column }) => column))).toEqual(new Set(['__proto__', 'say "hi"']));
  const { stdout } = await stack.perennial(['versions', 'show', '1', ...of]);
  expect(stdout).toContain('__proto__');

  const approval = await deployed('odd-names');
  const evidence = escape(await page(`/v1/approvals/${approval.id}/evidence.html`));
  for (const name of ['say &quot;hi&quot;', '__proto__']) expect(evidence).toContain(name);
  expect(evidence).not.toContain('<b>bold');

  const values = oddNames.map((_name, place) => place % 5);
  const sum = values.reduce((total, value) => total + value, 0);
  for (let at = 0; at < 20; at += 1) {
    const inputs = oddNames.map((name, place) => ({ name, datatype: 'FP32', shape: [1], data: [values[place]] }));
    const inferred = await gateway('POST /v2/models/odd-names/infer', {
      parameters: { prediction_ids: [`odd-${at}`] },
      inputs,
    });
    expect(inferred).toMatchObject({ status: 200, body: { outputs: [{ data: [sum] }] } });
  }
  const record = Object.fromEntries(oddNames.map((name, place) => [name, values[place]]));
  const bodies = [
    { dataframe_records: [record] },
    { inputs: Object.fromEntries(oddNames.map((name, place) => [name, [values[place]]])) },
    { dataframe_split: { columns: oddNames, data: [values] } },
  ];
  for (const body of bodies)
    expect((await gateway('POST /invocations?model=odd-names', body)).body).toEqual({ predictions: [sum] });

  const labels = Array.from({ length: 20 }, (_, at) => ({ id: `odd-${at}`, value: sum }));
  expect((await stack.request('POST', '/v1/models/odd-names/labels', labels)).status).toBe(200);
  const report = await stack.json(Report, ['monitor', ...of, '--window', '1 day']);
  expect(report.body.performance).toMatchObject({ rows: 20, rmse: 0 });
  const features = report.body.drift.filter(({ subject }) => subject === 'feature');
  expect(features.map(({ column }) => column).toSorted()).toEqual(oddNames.toSorted());
  expect(features.filter(({ excluded }) => excluded).map(({ column }) => column)).toEqual(['prediction', '__proto__']);
  expect(report.body.drift.find(({ subject }) => subject === 'prediction')?.excluded).toBe(false);
  const subjects = report.body.findings.map(({ kind, subject }) => `${kind} ${subject}`);
  expect(new Set(subjects).size).toBe(subjects.length);
  const shown = escape(await page(`/v1/models/odd-names/reports/${report.id}/page.html`));
  for (const name of escapedNames) expect(shown).toContain(name);
  expect(shown).not.toContain('<b>bold');
  const span = ['--from', '2026-01-09', '--to', '2026-01-09', '--every', 'day'];
  const rehearsal = await stack.json(z.looseObject({ periods: z.number() }), ['rehearse', ...of, ...span]);
  expect(rehearsal.periods).toBe(1);
}, 400_000);

/** Returns rows in which `b` is missing in every fourth row, and `city` and `rooms` in every third. */
function lackingRows(): string {
  const rows = Array.from({ length: 240 }, (_, hour) => {
    const [a, b, city, rooms] = [
      hour % 24,
      hour % 4 === 0 ? null : 2,
      hour % 3 === 0 ? null : 'Graz',
      hour % 3 || null,
    ];
    const sum = a + (b ?? a) + (city === null ? 100 : 0) + 1000 * (rooms ?? 1);
    return [hour, instantOf(hour), `${a}.0`, b === null ? '' : `${b}.0`, city ?? '', rooms ?? '', sum].join(',');
  });
  return ['id,at,a,b,city,rooms,cnt', ...rows, ''].join('\n');
}

test('values that are missing in training may be missing in requests, and monitoring counts them', async () => {
  const model = await modelOf('lacking', (configuration) => ({
    ...configuration,
    data: { ...configuration.data, features: ['a', 'b', 'city', 'rooms'] },
    monitor: { every: '1 day', minRows: 10, quality: { missing: 0.2 } },
  }));
  await model.code(
    [
      'cp model.onnx "$PERENNIAL_OUTPUT/"',
      // Stores the script's input with the version.
      'cp "$PERENNIAL_TRAIN" "$PERENNIAL_OUTPUT/train.parquet"',
    ].join('\n'),
    { 'model.onnx': fillableModel() },
  );
  await model.data(lackingRows());
  const of = ['--model', 'lacking'];
  const asOf = ['--as-of', '2026-01-11T00:00:00Z'];
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
  const refused = await stack.perennial(['build', ...of, ...asOf]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/feature "(city|rooms)", row \d+ has no value.*data\.fill/);

  await model.configure((configuration) => ({
    ...configuration,
    data: { ...configuration.data, fill: { city: 'unknown', rooms: 1 } },
  }));
  await stack.json(z.unknown(), ['apply', '-f', model.file]);
  const build = await stack.json(z.looseObject({ decision: z.string() }), ['build', ...of, ...asOf]);
  expect(build.decision).toBe('candidate');
  await deployed('lacking');

  const ask = async (row: object) =>
    (await gateway('POST /invocations?model=lacking', { dataframe_records: [row] })).body;
  expect(await ask({ a: 1, b: 2, city: 'Graz', rooms: 3 })).toEqual({ predictions: [3003] });
  for (let at = 0; at < 12; at += 1) expect(await ask({ a: 1, b: null, city: null })).toEqual({ predictions: [1102] });
  expect((await ask({ a: null, b: 2, city: 'Graz', rooms: 3 })).error).toContain('feature "a", row 0 has no value');

  const report = await stack.json(Report, ['monitor', ...of, '--window', '1 day']);
  const missing = Object.fromEntries(
    (report.body.quality ?? []).filter(({ kind }) => kind === 'missing').map((result) => [result.column, result]),
  );
  expect(missing['city']).toMatchObject({ breached: true, detail: expect.stringMatching(/92.3 % .* 33\.3 %/) });
  expect(missing['rooms']).toMatchObject({ breached: true });
  expect(missing['b']).toMatchObject({ breached: true, detail: expect.stringContaining('25.0 % in the reference') });
  expect(missing['a']).toMatchObject({ breached: false });
  const span = ['--from', '2026-01-09', '--to', '2026-01-09', '--every', 'day'];
  const rehearsal = await stack.json(z.looseObject({ periods: z.number() }), ['rehearse', ...of, ...span]);
  expect(rehearsal.periods).toBe(1);
}, 300_000);

/** Returns nine days of rows. Some of day 8 lack `hum` or `temp`; two of day 9 lack a finite prediction or a target. */
function rowsThatSpoil(): string {
  const rows = Array.from({ length: 216 }, (_, hour) => {
    const temp = hour === 193 ? '3e38' : hour === 190 ? '' : `${hour % 24}.5`;
    const hum = hour >= 168 && hour < 173 ? '' : `${hour % 7}.25`;
    const target = hour === 195 ? '' : 2 * ((hour % 24) + 0.5) + (hour % 7) + 0.25;
    return [hour, instantOf(hour), temp, hum, target].join(',');
  });
  return ['id,at,temp,hum,cnt', ...rows, ''].join('\n');
}

test('rows that the gateway refuses or for which the model has no prediction are counted, and the rehearsal continues', async () => {
  // Rows are replayed to the shadow and to the canary until each has received enough rows that are not refused.
  const strategy = {
    shadow: { bake: '1s', minRows: 30, tolerance: 1 },
    canary: [30, 100],
    minRequests: 20,
    bake: '1s',
  };
  const tiny = await modelOf('spoilt', (configuration) => ({
    ...configuration,
    build: { ...configuration.build, gates: [{ metric: 'rmse', max: 1e6 }] },
    deploy: { approval: { votes: 1 }, strategy },
    monitor: { every: '1 day', minRows: 10 },
  }));
  await tiny.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': tolerantModel() });
  await tiny.data(rowsThatSpoil());
  const of = ['--model', 'spoilt'];
  await stack.json(z.unknown(), ['apply', '-f', tiny.file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', tiny.file]);
  const { stdout, stderr } = await stack.perennial([
    'rehearse',
    ...of,
    '--from',
    '2026-01-08',
    '--to',
    '2026-01-09',
    '--every',
    'day',
  ]);
  expect(stderr).toContain('rows refused by the gateway: 6, by feature: "hum" 5, "temp" 1');
  expect(stdout).toMatch(/2 periods.*rows refused by the gateway: 6; rows without a finite answer: 1/);

  const { items } = await stack.get(z.object({ items: z.array(Rehearsal) }).loose(), '/v1/models/spoilt/rehearsals');
  const [rehearsal] = items;
  expect(rehearsal?.summary).toMatchObject({ refusedRows: 6, unansweredRows: 1, promoted: 1 });
  const [refusing, answering] = rehearsal?.periods ?? [];
  expect(refusing).toMatchObject({
    rows: 18,
    metricAsServed: 0,
    metricNeverReplaced: 0,
    refusedRows: {
      rows: 6,
      features: [
        { name: 'hum', rows: 5 },
        { name: 'temp', rows: 1 },
      ],
    },
    build: { decision: 'promoted' },
  });
  expect(refusing).not.toHaveProperty('unansweredRows');
  expect(answering).toMatchObject({ rows: 22, metricAsServed: 0, metricNeverReplaced: 0, unansweredRows: 1 });
  expect(answering).not.toHaveProperty('refusedRows');

  const where = `environment=${rehearsal?.environment}`;
  const reports = await stack.get(z.object({ items: z.array(Report) }).loose(), `/v1/models/spoilt/reports?${where}`);
  const report = reports.items.find(({ body }) => body.to === refusing?.to);
  const shown = escape(await page(`/v1/models/spoilt/reports/${report?.id}/page.html?${where}`));
  expect(shown).toContain(
    'The gateway refused 6 rows of this period because of missing or invalid values, by feature: &quot;hum&quot; (5)',
  );
}, 300_000);

/** Returns rows in which `city` is missing in every third row from the tenth day on. */
function citiesUntil(hours: number): string {
  const rows = Array.from({ length: hours }, (_, hour) => {
    const isMissing = hour >= 216 && hour % 3 === 0;
    const sum = (hour % 24) + 2 + (isMissing ? 100 : 0) + 1000;
    return [hour, instantOf(hour), `${hour % 24}.0`, '2.0', isMissing ? '' : 'Graz', 1, sum].join(',');
  });
  return ['id,at,a,b,city,rooms,cnt', ...rows, ''].join('\n');
}

test('a champion without a prediction for a held-out row does not prevent later builds', async () => {
  const model = await modelOf('outgrown', (configuration) => ({
    ...configuration,
    data: { ...configuration.data, features: ['a', 'b', 'city', 'rooms'] },
    build: { ...configuration.build, gates: [{ metric: 'rmse', versus: 'champion', minGain: -1 }] },
  }));
  await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': fillableModel() });
  const of = ['--model', 'outgrown'];
  const built = async (hours: number, asOf: string) => {
    await model.data(citiesUntil(hours));
    await stack.json(z.unknown(), ['apply', '-f', model.file]);
    await stack.json(z.unknown(), ['data', 'ingest', '-f', model.file]);
    const { stdout } = await stack.perennial(['build', ...of, '--as-of', asOf, '--json']);
    return z
      .object({ decision: z.string(), reasons: z.array(z.string()) })
      .loose()
      .parse(JSON.parse(stdout));
  };
  expect(await built(192, '2026-01-09T00:00:00Z')).toMatchObject({ decision: 'candidate' });
  await deployed('outgrown');

  await model.configure((configuration) => ({
    ...configuration,
    data: { ...configuration.data, fill: { city: 'unknown' } },
  }));
  expect(await built(240, '2026-01-11T00:00:00Z')).toMatchObject({
    decision: 'rejected',
    reasons: [expect.stringMatching(/^the champion has no answer for some of these rows \(feature "city", row \d+/)],
  });
  await model.configure(({ build, ...configuration }) => ({
    ...configuration,
    build: { ...build, gates: [{ metric: 'rmse', versus: 'champion', minGain: -1, onInconclusive: 'pass' }] },
  }));
  expect(await built(240, '2026-01-11T00:00:00Z')).toMatchObject({ decision: 'candidate' });
}, 200_000);
