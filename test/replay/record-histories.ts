// Records one history of each workflow type from a run of the whole stack, for replay.test.ts to replay:
//   node test/replay/record-histories.ts
// Run it when a new workflow type appears. It keeps existing histories, because their purpose is to show that old
// histories still replay. `--again` records all of them anew.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { ledgerHeadsName, signHeadsWorkflow } from '../../contracts/runs/workflows.ts';
import { Run } from '../../contracts/runs/run.ts';
import { findWorkingProgram, programs } from '../../setup/find-program.mjs';
import * as workflows from '../../workflows/index.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { linearModel } from '../support/onnx-models.ts';
import { tinyModel } from '../support/tiny-model.ts';

const folder = fileURLToPath(new URL('histories/', import.meta.url));
const name = 'recorded';
const again = process.argv.includes('--again');

const stack = await startEmbeddedStack();
try {
  await live(stack);
  await save(stack);
} finally {
  await stack.end();
}

/**
 * Takes a small model through its life, so that every workflow type runs, including a failed run and a late approval.
 */
async function live(running: EmbeddedStack): Promise<void> {
  const model = await tinyModel(name, (configuration) => ({
    ...configuration,
    deploy: { ...configuration.deploy, strategy: { canary: [50, 100], bake: '1s', minRequests: 0 } },
    monitor: { ...configuration.monitor, window: '1 day', minRows: 1 },
  }));
  const perennial = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await running.perennial(args);
    if (code !== 0) throw new Error(`perennial ${args.join(' ')}: ${stderr}`);
  };
  try {
    await perennial('apply', '-f', model.file);
    await perennial('data', 'ingest', '-f', model.file);
    await perennial('build', '-m', name, '--as-of', '2026-01-11T00:00:00Z');
    await deploy(running, 1);
    await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
      'model.onnx': linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias: 0.5 }),
    });
    await perennial('apply', '-f', model.file);
    await perennial('build', '-m', name, '--as-of', '2026-01-11T00:00:00Z');
    await deploy(running, 2);
    await perennial('rollback', '-m', name, '--reason', 'recorded', '--yes');
    await perennial('monitor', '-m', name);
    await perennial('gc', '--dry-run', '--url', running.api, '--key', running.keys.admin);
    await perennial('rehearse', '-m', name, '--from', '2026-01-06', '--to', '2026-01-08', '--every', 'day');
    await perennial('schedule', 'set', 'recorded', '-m', name, '--cron', '* * * * *');
    const client = await connect(running);
    await client.schedule.getHandle(ledgerHeadsName).trigger();
    await until('heads are signed', async () => (await find(client, signHeadsWorkflow)) !== undefined);
    await until('the schedule has fired', async () => (await find(client, 'scheduledTrigger')) !== undefined, 90_000);
    await client.connection.close();
  } finally {
    await model.remove();
  }
}

async function deploy(running: EmbeddedStack, version: number): Promise<void> {
  const { body } = await running.request('POST', `/v1/models/${name}/deployments`, { version });
  const { run } = z.object({ run: Run }).loose().parse(body);
  const approvalId = await until('an approval is asked for', async () => {
    const now = await running.get(Run, `/v1/runs/${run.id}`);
    return now.state === 'awaiting-approval' && now.approvalId;
  });
  const { code, stderr } = await running.perennial(['approve', approvalId, '--yes']);
  if (code !== 0) throw new Error(stderr);
  await until('it is deployed', async () => (await running.get(Run, `/v1/runs/${run.id}`)).state === 'succeeded');
}

async function connect(running: EmbeddedStack): Promise<Client> {
  return new Client({ connection: await Connection.connect({ address: running.temporal }) });
}

async function find(client: Client, type: string): Promise<string | undefined> {
  // The lifecycle never ends. All other workflows are recorded from their first event to their last.
  const status = type === 'lifecycle' ? '' : ' AND ExecutionStatus = "Completed"';
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = "${type}"${status}` })) {
    // Skips pipelines that rehearsals started: they never wait for the wall clock, so their histories would not cover the waits.
    if (type === 'rehearsal' || !workflowId.includes('/rehearsal-')) return workflowId;
  }
  return undefined;
}

async function save(running: EmbeddedStack): Promise<void> {
  await mkdir(folder, { recursive: true });
  const client = await connect(running);
  for (const type of Object.keys(workflows)) {
    const file = `${folder}${type}.json`;
    if (existsSync(file) && !again) continue;
    const workflowId = await find(client, type);
    if (workflowId === undefined) throw new Error(`no ${type} has run`);
    const history = await historyOf(running, workflowId);
    await writeFile(file, `${JSON.stringify({ workflowId, history })}\n`);
    process.stderr.write(`${type}: ${history.events.length} events of ${workflowId}\n`);
  }
  await client.connection.close();
}

/** Reads a history with Temporal's command line, in the format of downloads from Temporal's UI. */
async function historyOf(running: EmbeddedStack, workflowId: string) {
  const temporal = await findWorkingProgram(programs.temporal, process.env);
  if (temporal === undefined) throw new Error('the Temporal CLI is not there: npm test sets it up');
  const args = ['workflow', 'show', '--workflow-id', workflowId, '--address', running.temporal, '--output', 'json'];
  const { stdout } = await promisify(execFile)(temporal, args, { maxBuffer: 2 ** 26 });
  return z
    .object({ events: z.array(z.unknown()) })
    .loose()
    .parse(JSON.parse(stdout));
}
