import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isDeepStrictEqual } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Schedule } from '../../contracts/runs/schedule.ts';
import { runPerennial } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import type { GitServer } from '../support/git-server.ts';
import { startGitServer } from '../support/git-server.ts';
import { columnsModel } from '../support/onnx-models.ts';
import type { WebProxy } from '../support/web-proxy.ts';
import { startWebProxy } from '../support/web-proxy.ts';
import type { CaseGround, CaseModel } from './case-ground.ts';
import { caseFile, layCaseGround, outcomeOfRun } from './case-ground.ts';

// A stack that starts behind a proxy, without NO_PROXY. Only the proxy can resolve the internet names of this test. It
// answers 502 for every other name, so any local traffic that went through it would fail.

const heard: string[] = [];
const names: Record<string, string> = {};
let internet: Server;
let forge: GitServer;
let proxy: WebProxy;
let ground: CaseGround;
let model: CaseModel;
beforeAll(async () => {
  internet = createServer((incoming, outgoing) => {
    if (incoming.url === '/clean.csv')
      void readFile(caseFile('missing-words/clean.csv')).then((rows) => outgoing.end(rows));
    else void text(incoming).then((body) => outgoing.writeHead(heard.push(body) > 0 ? 204 : 500).end());
  }).listen(0, '127.0.0.1');
  await once(internet, 'listening');
  const host = `127.0.0.1:${(internet.address() as AddressInfo).port}`;
  forge = await startGitServer();
  Object.assign(names, {
    'files.example': host,
    'hooks.example': host,
    'forge.example:443': `127.0.0.1:${new URL(forge.url).port}`,
  });
  proxy = await startWebProxy(names, 'user:s3cret');
  // Sets both spellings, because gRPC reads only the lower-case name. Node reads either one if NODE_USE_ENV_PROXY is
  // set.
  ground = await layCaseGround({
    HTTP_PROXY: proxy.url,
    http_proxy: proxy.url,
    NODE_USE_ENV_PROXY: '1',
    NODE_EXTRA_CA_CERTS: forge.certificate,
  });
  model = await ground.model('whole-way');
});
afterAll(async () => {
  await ground?.end();
  await proxy?.close();
  await forge?.stop();
  internet?.close().closeAllConnections();
});

test('behind a proxy, a model goes from rows to a report, and no local traffic goes through the proxy', async () => {
  await model.serve(caseFile('missing-words/clean.csv'));
  const answer = await model.infer({
    parameters: { prediction_ids: ['p0', 'p1', 'p2'] },
    inputs: [{ name: 'x', datatype: 'FP32', shape: [3], data: [0, 1, 2] }],
  });
  expect(answer).toMatchObject({ status: 200, body: { outputs: [{ data: [0, 1, 2] }] } });
  expect((await model.labels([{ id: 'p1', value: 3 }])).status).toBe(200);
  expect((await model.monitor()).body.performance).toMatchObject({ rows: 1 });
  expect((await model.dataset()).number).toBe(1);
  expect(await model.rows(1)).toContain('\n1,0.5,1\n');
  expect(proxy.asked).toEqual([]);
});

test('a source by URL, code from git and a webhook go through the proxy', async () => {
  await forge.commit({
    'train/train.sh': 'cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"',
    'train/model.onnx': columnsModel({ features: ['x'], weights: [2], bias: 0 }),
  });
  const connect = async (name: string, settings: object) =>
    expect((await ground.stack.request('PUT', `/v1/connections/${name}`, settings, 'admin')).status).toBeLessThan(300);
  await connect('forge', { kind: 'git', token: forge.token });
  await connect('hook', { kind: 'webhook', url: 'http://hooks.example/in', secret: `whsec_${btoa('k'.repeat(24))}` });
  const git = { url: 'https://forge.example/team/models.git', ref: 'main', path: 'train', connection: 'forge' };
  const afar = await ground.model('afar', {
    data: { source: { url: 'http://files.example/clean.csv' } },
    code: { git, command: ['sh', 'train.sh'] },
    deploy: { approval: { votes: 1 }, notify: ['hook'] },
  });
  expect(await afar.apply()).toMatchObject({ code: 0 });
  expect(outcomeOfRun(await ground.run('/v1/models/afar/datasets', {}))).toMatchObject({ rows: 30 });
  expect(outcomeOfRun(await afar.build())).toMatchObject({ decision: 'candidate' });
  expect((await ground.stack.request('POST', '/v1/models/afar/deployments', { version: 1 })).status).toBe(202);
  await until('the webhook is told of the request for approval', async () => heard.length > 0);
  expect(heard[0]).toContain('afar');
  const ways = ['GET http://files.example/clean.csv', 'CONNECT forge.example:443', 'POST http://hooks.example/in'];
  expect(proxy.asked).toEqual(expect.arrayContaining(ways));
});

test('an address that the proxy cannot resolve fails with a message that names the proxy, without its password', async () => {
  const lost = await ground.model('lost', { data: { source: { url: 'https://nowhere.example/rows.csv' } } });
  expect(await lost.apply()).toMatchObject({ code: 0 });
  const { code, stderr } = await ground.cli('data', 'ingest', '-f', lost.files.file);
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/502.*through the proxy http:\/\/127/),
  });
  for (const said of [stderr, ...(await logs())]) expect(said).not.toContain('s3cret');
});

test('the command line reaches a remote API through the proxy', async () => {
  names['api.example'] = new URL(ground.stack.api).host;
  const env = {
    ...process.env,
    HTTP_PROXY: proxy.url,
    PERENNIAL_URL: 'http://api.example',
    PERENNIAL_KEY: ground.stack.keys.operator,
  };
  expect(await runPerennial(['runs', '--json'], env)).toMatchObject({ code: 0 });
});

function logs(): Promise<string[]> {
  return Promise.all(
    ['worker', 'api', 'gateway'].map((part) => readFile(join(ground.stack.home, 'logs', `${part}.log`), 'utf8')),
  );
}

test.each([
  ['0 3 1 * MON', '0 3 1 * MON'],
  ['@monthly', '0 0 1 * *'],
  ['@every 15m', '*/15 * * * *'],
  ['30 22-2 * * FRI-MON', '30 0,1,2,22,23 * * 0,1,5,6'],
])('the schedule "%s" is shown with the next five times at which Temporal fires it', async (given, kept) => {
  const path = `/v1/models/${model.name}/schedules/cases`;
  const { status, body } = await ground.stack.request('PUT', path, { cron: given, timezone: 'Asia/Kolkata' });
  const set = Schedule.parse(body);
  expect({ status, cron: set.cron, runs: set.nextRuns.length }).toEqual({ status: 200, cron: kept, runs: 5 });
  await until('Temporal fires it at these times', async () => {
    const { nextRuns } = await ground.stack.get(Schedule, path);
    return isDeepStrictEqual(await firingsOfTemporal('cases'), nextRuns);
  });
});

/** Returns the next five firings as Temporal itself computes them. */
async function firingsOfTemporal(name: string): Promise<readonly string[]> {
  const connection = await Connection.connect({ address: ground.stack.temporal });
  try {
    const client = new Client({ connection });
    const found: string[] = [];
    for await (const { scheduleId } of client.schedule.list())
      if (scheduleId.endsWith(`/${name}`)) found.push(scheduleId);
    if (found[0] === undefined) return [];
    const { info } = await client.schedule.getHandle(found[0]).describe();
    return info.nextActionTimes.slice(0, 5).map((time) => time.toISOString());
  } finally {
    await connection.close();
  }
}

test('a schedule with both day fields is explained in its zone, when it is set and when it is applied', async () => {
  const sentences = [
    /fires next at (Mon \d{4}-\d\d-01 03:00 -0[45]:00(, )?){5} \(America\/New_York\)\n/,
    /only on dates that match both the day of month \(1\) and the weekday \(MON\)/,
  ];
  const line = ['--cron', '0 3 1 * MON', '--timezone', 'America/New_York'];
  const set = await ground.cli('schedule', 'set', 'first-mondays', ...line, '-m', model.name);
  await model.configure({ data: { timezone: 'America/New_York' }, retrain: { schedule: '0 3 1 * MON' } });
  const applied = await model.apply();
  expect([set.code, applied.code]).toEqual([0, 0]);
  for (const sentence of sentences) {
    expect(set.stdout).toMatch(sentence);
    expect(applied.stderr).toMatch(sentence);
  }
});

test.each([
  ['0 0 30 2 *', /never fires/],
  ['@reboot', /perennial trigger/],
  ['0 0 L * *', /first day of the next month/],
  ['0 0 12 * * *', /seconds/],
  ['@every 7m', /@every with/],
])('the schedule "%s" is refused by name, when it is set and when it is applied', async (line, reason) => {
  const set = await ground.cli('schedule', 'set', 'odd', '--cron', line, '-m', model.name);
  expect(set).toMatchObject({ code: 2, stderr: expect.stringMatching(reason) });
  await model.configure({ retrain: { schedule: line } });
  expect(await model.apply()).toMatchObject({ code: 2, stderr: expect.stringMatching(reason) });
});
