import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { readPage, repository } from '../how-to/page.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';
import type { GitServer } from '../support/git-server.ts';
import { startGitServer } from '../support/git-server.ts';
import type { TestDatabase } from '../support/postgres-of-tests.ts';
import { createTestDatabase } from '../support/postgres-of-tests.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { goodModel, tinyModel, tinyRows } from '../support/tiny-model.ts';

/** Time limit for a build, which may wait for its turn on a busy machine. */
const patienceMs = 150_000;
const secret = 'what-pushes-are-signed-with';
const script = 'cp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n';
const Outcome = z.object({ number: z.number(), added: z.number() }).loose();
const Status = z.object({ state: z.string(), context: z.string(), description: z.string() });

let stack: EmbeddedStack;
let forge: GitServer;
let database: TestDatabase;
let elsewhere: Server;
let model: TinyModel;
/** The commit statuses that the forge received, in order. */
const told: (z.infer<typeof Status> & { commit: string })[] = [];

beforeAll(async () => {
  forge = await startGitServer();
  database = await createTestDatabase({ empty: true });
  elsewhere = createServer((request, response) => {
    if (request.method === 'GET') return void response.writeHead(200, { etag: '"first"' }).end(tinyRows(0, 240));
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const commit = request.url?.split('/').at(-1) ?? '';
      if (request.headers.authorization === `Bearer ${forge.token}`)
        told.push({ commit, ...Status.parse(JSON.parse(body)) });
      response.writeHead(201).end('{}');
    });
  }).listen(0, '127.0.0.1');
  await once(elsewhere, 'listening');
  stack = await startStackOfRun({
    PERENNIAL_ALLOW_PRIVATE_SOURCES: 'true',
    NODE_EXTRA_CA_CERTS: forge.certificate,
  });
}, 120_000);
afterAll(async () => {
  await stack?.end();
  elsewhere.closeAllConnections();
  elsewhere.close();
  await forge.stop();
  await database.drop();
  await model.remove();
});

function address(): string {
  return `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
}

async function connect(name: string, kind: string, settings: object): Promise<void> {
  const file = join(model.folder, `${name}.yaml`);
  await writeFile(file, stringify(settings));
  const { code, stderr } = await stack.perennial(['connections', 'set', name, '--kind', kind, '--from', file]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
}

async function push(commit: string) {
  const body = JSON.stringify({
    ref: 'refs/heads/main',
    before: '0'.repeat(40),
    after: commit,
    repository: { clone_url: `${forge.url}/team/models.git` },
  });
  return fetch(`${stack.api}/v1/webhooks/git/pushed`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': commit,
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  });
}

test('rows come from a URL and code from git, and a push is built and gets a commit status', async () => {
  const first = await forge.commit({ 'pushed/train.sh': script, 'pushed/model.onnx': goodModel, 'other/big.bin': 'x' });
  model = await tinyModel('pushed', (configuration) => ({
    ...configuration,
    data: { ...configuration.data, source: { url: `${address()}/rows.csv` } },
    code: {
      git: { url: `${forge.url}/team/models.git`, ref: 'main', path: 'pushed', connection: 'forge' },
      command: ['sh', 'train.sh'],
    },
    build: { holdout: { fraction: 0.2, by: 'id' }, gates: [{ metric: 'rmse', max: 10 }] },
    retrain: { debounce: '1s', cooldown: '1s', on: ['new-code'] },
  }));
  await connect('forge', 'git', {
    url: `${forge.url}/team`,
    token: forge.token,
    webhookSecret: secret,
    api: address(),
  });
  await stack.json(z.unknown(), ['apply', '-f', model.file, '--no-code']);

  const ingested = await stack.json(Outcome, ['data', 'ingest', '-f', model.file]);
  expect(ingested).toMatchObject({ number: 1, added: 240 });
  const Ledger = z.object({
    items: z.array(z.object({ kind: z.string(), subject: z.object({ fetched: z.unknown() }) })),
  });
  const { items } = await stack.get(Ledger, '/v1/ledger?model=pushed&kind=dataset.committed');
  expect(items[0]?.subject.fetched).toMatchObject([
    { name: 'rows.csv', etag: '"first"', from: `${address()}/rows.csv`, bytes: tinyRows(0, 240).length },
  ]);

  await stack.json(z.unknown(), ['code', 'snapshot', '-f', model.file]);
  const Code = z.object({ origin: z.unknown(), number: z.number() });
  expect(await stack.get(Code, '/v1/models/pushed/code/1')).toMatchObject({
    origin: { kind: 'git', gitCommit: first, ref: 'main', path: 'pushed', files: 2 },
  });
  await until(
    'the first commit hears of its build',
    async () => told.some(({ commit, state }) => commit === first && state === 'success'),
    patienceMs,
  );

  const second = await forge.commit({ 'pushed/train.sh': `# better\n${script}` });
  expect((await push(second)).status).toBe(202);
  const about = () => told.filter(({ commit }) => commit === second);
  await until(
    'the pushed commit hears of its build',
    async () => about().some(({ state }) => state === 'success'),
    patienceMs,
  );
  expect(about().map(({ state, context }) => [state, context])).toEqual([
    ['pending', 'perennial/pushed'],
    ['success', 'perennial/pushed'],
  ]);
  expect(await stack.get(Code, '/v1/models/pushed/code/2')).toMatchObject({
    origin: { gitCommit: second, ref: 'main' },
  });

  const third = await forge.commit({ 'pushed/train.sh': 'exit 3\n' });
  expect((await push(third)).status).toBe(202);
  await until(
    'the third commit hears that its training failed',
    async () =>
      told.some(
        ({ commit, state, description }) => commit === third && state === 'error' && description.includes('build'),
      ),
    patienceMs,
  );

  const fourth = await forge.commit({ 'other/readme': 'nothing of the model' });
  expect((await push(fourth)).status).toBe(202);
  const unchanged = await until(
    'the fourth commit hears',
    async () => told.find(({ commit }) => commit === fourth),
    patienceMs,
  );
  expect(unchanged).toMatchObject({ state: 'success', description: expect.stringContaining('is unchanged') });
}, 600_000);

/** Runs the commands of the page as a reader would, with the page's server addresses replaced by the test's servers. */
async function follow(name: string, ours: readonly (readonly [string, string])[]) {
  const { files, script: commands } = readPage(name);
  const folder = await mkdtemp(join(tmpdir(), `perennial-${name}-`));
  const asOurs = (text: string) => ours.reduce((written, [theirs, own]) => written.replaceAll(theirs, own), text);
  try {
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), asOurs(text));
    }
    const npx = `npx() { shift; "${process.execPath}" "${join(repository, 'cli/main.ts')}" "$@"; }`;
    const { stdout } = await promisify(execFile)('bash', ['-c', `set -euo pipefail\n${npx}\n${asOurs(commands)}`], {
      cwd: folder,
      env: { ...process.env, PERENNIAL_HOME: stack.home },
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test('the page on a PostgreSQL source can be followed, and ingesting again adds nothing', async () => {
  const page = await readFile(join(repository, 'docs/how-to/postgresql-source.md'), 'utf8');
  const client = new Client({ connectionString: database.url });
  await client.connect();
  try {
    await client.query('drop role if exists perennial_reader');
    await client.query(/```sql\n(.*?)```/s.exec(page)?.[1] ?? 'no statement');
    const { host, pathname } = new URL(database.url);
    const said = await follow('postgresql-source', [['warehouse.example:5432/bikes', `${host}${pathname}`]]);
    expect(said).toContain('240');
    const { body } = await stack.request('POST', '/v1/models/hours/datasets', {});
    const { run } = z.object({ run: z.object({ id: z.string() }) }).parse(body);
    const Run = z.object({ state: z.string(), outcome: z.unknown().optional() });
    const ended = await until('the rows are asked for again', async () => {
      const now = await stack.get(Run, `/v1/runs/${run.id}`);
      return ['succeeded', 'failed'].includes(now.state) && now;
    });
    expect(ended).toMatchObject({
      state: 'succeeded',
      outcome: { number: 1, added: 0, skipped: 240, unchanged: true },
    });
  } finally {
    await client.query('drop owned by perennial_reader; drop role perennial_reader');
    await client.end();
  }
}, 180_000);

test('the page on CI by webhook can be followed', async () => {
  await forge.commit({ 'rides/train.sh': script });
  const said = await follow('ci-for-models-by-webhook', [
    ['https://github.com/your-team/models', `${forge.url}/team/models`],
    ['the-token', forge.token],
    ['https://api.github.com', address()],
    ['http://127.0.0.1:7400', stack.api],
  ]);
  expect(said).toContain('"ignored":"the event ping is not a push"');
}, 180_000);
