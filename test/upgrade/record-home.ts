// Records the state that a stack of this checkout leaves behind. Tests of later versions start on it:
//   node test/upgrade/record-home.ts FOLDER && tar -C FOLDER -czf test/upgrade/states/migrations-N.tar.gz .
// Run it in a checkout of the version that is to be recorded, and never record that version again: later versions must
// read what it really wrote. Postgres' own files are left out, because they are large and another platform cannot read
// them. Instead, each table is a file of JSON rows, beside the number of migrations that made the tables.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { z } from 'zod';
import { Approval } from '../../contracts/serving/approval.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { linearModel } from '../support/onnx-models.ts';
import { tinyModel, tinyRows } from '../support/tiny-model.ts';

const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('name the folder to write to');
const asOf = '2026-01-11T00:00:00Z';
/**
 * The entries of a state folder, apart from its database, that outlive a restart. The secrets were made only for this
 * record.
 */
const outlivesRestarts = ['objects', 'secrets.json'];

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await record(target);

async function record(folder: string): Promise<void> {
  const stack = await startEmbeddedStack();
  try {
    await live(stack, folder);
    await until('the ledger is signed', async () => (await stack.perennial(['ledger', 'verify'])).code === 0);
    await writeTables(stack, folder);
    for (const name of await readdir(stack.home))
      if (outlivesRestarts.includes(name)) await cp(join(stack.home, name), join(folder, name), { recursive: true });
  } finally {
    await stack.end();
  }
}

/** Creates a regression model with two deployed versions, and a text classifier with one. */
async function live(stack: EmbeddedStack, folder: string): Promise<void> {
  const kept = await tinyModel('kept', (configuration) => ({
    ...configuration,
    build: { ...configuration.build, seed: 7, params: { depth: 3 } },
  }));
  const answers: Record<string, unknown> = {};
  try {
    await build(stack, kept.file, 'kept');
    await deploy(stack, 'kept', 1);
    answers['kept 1'] = await infer(stack, 'kept');
    await kept.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
      'model.onnx': linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: 0.5 }),
    });
    await build(stack, kept.file, 'kept');
    await deploy(stack, 'kept', 2);
    answers['kept 2'] = await infer(stack, 'kept');
    await cp(kept.folder, join(folder, 'models', 'kept'), { recursive: true });
  } finally {
    await kept.remove();
  }
  const words = await tinyModel('words', (configuration) => ({
    ...configuration,
    task: 'binary',
    data: { ...configuration.data, target: 'late', features: ['temp', 'hum'] },
    build: { metric: 'logLoss', holdout: { last: '2 days' }, gates: [{ metric: 'logLoss', max: 100 }] },
  }));
  try {
    const classifier = await readFile(new URL('../fixtures/classifiers/binary-words.onnx', import.meta.url));
    await words.code('cp model.onnx "$PERENNIAL_OUTPUT/"', { 'model.onnx': classifier });
    await words.data(wordRows());
    await build(stack, words.file, 'words');
    await deploy(stack, 'words', 1);
    answers['words 1'] = await infer(stack, 'words');
    await cp(words.folder, join(folder, 'models', 'words'), { recursive: true });
  } finally {
    await words.remove();
  }
  await writeFile(join(folder, 'answers.json'), `${JSON.stringify(answers, null, 2)}\n`);
}

function wordRows(): string {
  const [header, ...rows] = tinyRows(0, 240).trim().split('\n');
  const words = rows.map((row, index) => `${row},${index % 5 === 0 ? 'yes' : 'no'}`);
  return [`${header},late`, ...words, ''].join('\n');
}

async function build(stack: EmbeddedStack, file: string, name: string): Promise<void> {
  await stack.json(z.unknown(), ['apply', '-f', file]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', file]);
  await stack.json(z.unknown(), ['build', '--model', name, '--as-of', asOf]);
}

async function deploy(stack: EmbeddedStack, name: string, version: number): Promise<void> {
  const started = await stack.request('POST', `/v1/models/${name}/deployments`, { version });
  const { run } = z.object({ run: Run }).loose().parse(started.body);
  const id = await until('the deployment asks for approval', async () => {
    const now = await stack.get(Run, `/v1/runs/${run.id}`);
    return now.state === 'awaiting-approval' && now.approvalId;
  });
  const { digest } = await stack.get(Approval, `/v1/approvals/${id}`);
  await stack.request('POST', `/v1/approvals/${id}/votes`, { decision: 'approve', digest }, 'approver');
  await until('it serves', async () => (await stack.get(Run, `/v1/runs/${run.id}`)).state === 'succeeded');
}

async function infer(stack: EmbeddedStack, name: string): Promise<unknown> {
  const answer = await fetch(`${stack.gateway}/invocations?model=${name}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [{ temp: 20.5, hum: 3.25 }] }),
  });
  if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${await answer.text()}`);
  return z.object({ predictions: z.unknown() }).parse(await answer.json()).predictions;
}

async function writeTables(stack: EmbeddedStack, folder: string): Promise<void> {
  const client = new Client({ connectionString: await databaseOf(stack) });
  await client.connect();
  try {
    await mkdir(join(folder, 'tables'));
    const { rows: tables } = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
    );
    for (const { name } of tables) {
      const { rows } = await client.query<{ row: unknown }>(`select to_jsonb(t) as row from "${name}" t`);
      const lines = rows.map(({ row }) => JSON.stringify(row)).sort();
      if (lines.length > 0) await writeFile(join(folder, 'tables', `${name}.ndjson`), `${lines.join('\n')}\n`);
    }
    const { rows } = await client.query<{ count: string }>('select count(*) from drizzle.__drizzle_migrations');
    await writeFile(join(folder, 'migrations.json'), `${JSON.stringify({ applied: Number(rows[0]?.count) })}\n`);
  } finally {
    await client.end();
  }
}

async function databaseOf(stack: EmbeddedStack): Promise<string> {
  const Secrets = z.object({ postgresPassword: z.string() }).loose();
  const Ports = z.object({ ports: z.object({ postgres: z.number() }).loose() }).loose();
  const secrets = Secrets.parse(JSON.parse(await readFile(join(stack.home, 'secrets.json'), 'utf8')));
  const { ports } = Ports.parse(JSON.parse(await readFile(join(stack.home, 'ports.json'), 'utf8')));
  return `postgres://postgres:${secrets.postgresPassword}@127.0.0.1:${ports.postgres}/perennial`;
}
