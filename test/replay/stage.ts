import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { isFinal, Run } from '../../contracts/runs/run.ts';
import { nudgeSignal, workflowQueue } from '../../contracts/runs/workflows.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { linearModel } from '../support/onnx-models.ts';
import type { TinyModel } from '../support/tiny-model.ts';
import { tinyModel } from '../support/tiny-model.ts';
import { until } from '../support/until.ts';

type Change = (configuration: ConfigurationInput) => ConfigurationInput;
type As = 'admin' | 'operator' | 'approver';

export const asOf = '2026-01-11T00:00:00Z';
const Begun = z.object({ run: z.object({ id: z.string() }).loose() }).loose();

/** A whole stack and what scenes do with it. */
export class Stage {
  readonly #models: TinyModel[] = [];
  readonly #silent: Server;
  readonly #sockets = new Set<Socket>();

  readonly stack: EmbeddedStack;
  readonly client: Client;

  private constructor(stack: EmbeddedStack, client: Client, silent: Server) {
    this.stack = stack;
    this.client = client;
    this.#silent = silent;
    silent.on('connection', (socket) => this.#sockets.add(socket));
  }

  static async open(): Promise<Stage> {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const stack = await startEmbeddedStack({ PERENNIAL_ALLOW_PRIVATE_SOURCES: 'true' });
    return new Stage(stack, new Client({ connection: await Connection.connect({ address: stack.temporal }) }), silent);
  }

  async close(): Promise<void> {
    await this.client.connection.close();
    await this.stack.end();
    for (const socket of this.#sockets) socket.destroy();
    this.#silent.close();
    for (const model of this.#models) await model.remove();
  }

  /** `host:port` of a server that accepts connections and never answers. */
  get silentHost(): string {
    const address = this.#silent.address();
    if (address === null || typeof address === 'string') throw new Error('the silent server has no port');
    return `127.0.0.1:${address.port}`;
  }

  /** Makes a model with its configuration applied, its code recorded and its rows ingested. */
  async model(name: string, change?: Change): Promise<TinyModel> {
    const model = await this.draft(name, change);
    await this.perennial('apply', '-f', model.file);
    await this.perennial('data', 'ingest', '-f', model.file);
    return model;
  }

  /** Makes the files of a model without applying them. */
  async draft(name: string, change?: Change): Promise<TinyModel> {
    const model = await tinyModel(name, change);
    this.#models.push(model);
    return model;
  }

  /** Makes a model with version 1, and deploys it unless told otherwise. */
  async built(name: string, change?: Change, { deployed = true } = {}): Promise<TinyModel> {
    const model = await this.model(name, change);
    await this.build(name);
    if (deployed) await this.deploy(name, 1, 'promoted');
    return model;
  }

  /** Builds another version, whose predictions are too high by `bias`. */
  async rebuilt(model: TinyModel, name: string, bias: number): Promise<void> {
    await model.code('cp model.onnx "$PERENNIAL_OUTPUT/"', {
      'model.onnx': linearModel({ features: ['temp', 'hum'], weights: [2, 1], bias }),
    });
    await this.perennial('apply', '-f', model.file);
    await this.build(name);
  }

  async perennial(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await this.stack.perennial(args);
    if (code !== 0) throw new Error(`perennial ${args.join(' ')} ended with ${code}: ${stderr}`);
  }

  async send(method: string, path: string, body: unknown, as: As = 'operator'): Promise<unknown> {
    const answer = await this.stack.request(method, path, body, as);
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: HTTP ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Starts a run with a request below `/v1/models/` and returns its id. */
  async begin(path: string, body: unknown, as: As = 'operator'): Promise<string> {
    return Begun.parse(await this.send('POST', `/v1/models/${path}`, body, as)).run.id;
  }

  run(runId: string): Promise<Run> {
    return this.stack.get(Run, `/v1/runs/${runId}`);
  }

  /** Waits until a run has ended, which must be in this state and, if it succeeded, with this decision. */
  async ended(runId: string, state: Run['state'], decision?: string): Promise<void> {
    const run = await until('the run has ended', async () => {
      const now = await this.run(runId);
      return isFinal(now.state) && now;
    });
    const outcome = run.state === 'succeeded' ? run.outcome : undefined;
    const decided = outcome !== undefined && 'decision' in outcome ? outcome.decision : undefined;
    if (run.state === state && (decision === undefined || decision === decided)) return;
    throw new Error(`the run ended otherwise than ${state} ${decision ?? ''}: ${JSON.stringify(run)}`);
  }

  async build(name: string, state: Run['state'] = 'succeeded', decision?: string): Promise<void> {
    await this.ended(await this.begin(`${name}/builds`, { asOf }), state, decision);
  }

  /** Deploys a version and approves it. */
  async deploy(name: string, version: number, decision: string): Promise<void> {
    const runId = await this.begin(`${name}/deployments`, { version });
    await this.vote(runId, 'approve');
    await this.ended(runId, 'succeeded', decision);
  }

  /** Votes on the request of a run, other than `before`, as soon as there is one. Returns the id of the request. */
  async vote(runId: string, decision: 'approve' | 'reject', before?: string): Promise<string> {
    const id = await until('an approval is requested', async () => {
      const run = await this.run(runId);
      return run.state === 'awaiting-approval' && run.approvalId !== before && run.approvalId;
    });
    const Request = z.object({ digest: z.string() }).loose();
    const { digest } = await this.stack.get(Request, `/v1/approvals/${id}`);
    await this.send('POST', `/v1/approvals/${id}/votes`, { decision, digest }, 'approver');
    return id;
  }

  /** Waits until an attempt of the step has begun. */
  async inStep(runId: string, step: string): Promise<void> {
    await until(`the run is in ${step}`, async () => {
      const run = await this.run(runId);
      if (run.steps.some(({ name }) => name === step)) return true;
      if (isFinal(run.state)) throw new Error(`the run ended without ${step}: ${JSON.stringify(run)}`);
      return false;
    });
  }

  async cancelled(runId: string): Promise<void> {
    await this.send('POST', `/v1/runs/${runId}/cancel`, { reason: 'recorded' });
    await this.ended(runId, 'cancelled');
  }

  /** Starts runs and cancels each as soon as it runs, until one of them was not over before. */
  async cancelledInTime(begin: () => Promise<string>): Promise<void> {
    for (let attempt = 1; attempt <= 30; attempt += 1) {
      const runId = await begin();
      await until('it runs', async () => (await this.run(runId)).state !== 'queued');
      await this.stack.request('POST', `/v1/runs/${runId}/cancel`, { reason: 'recorded' });
      const { state } = await until('it has ended', async () => {
        const run = await this.run(runId);
        return isFinal(run.state) && run;
      });
      if (state === 'cancelled') return;
    }
    throw new Error('every run was over before it was cancelled');
  }

  /** Starts a workflow as a schedule does, and waits until it has ended, however it ends. */
  async start(type: string, input: object, { cancel = false } = {}): Promise<void> {
    const handle = await this.client.workflow.start(type, {
      workflowId: `recorded-${type}-${crypto.randomUUID()}`,
      taskQueue: workflowQueue,
      args: [{ schemaVersion: 1, ...input }],
      ...(cancel ? { startDelay: '2s' } : {}),
    });
    if (cancel) await handle.cancel();
    await handle.result().catch(() => {});
  }

  async nudge(workflowId: string, times: number): Promise<void> {
    const handle = this.client.workflow.getHandle(workflowId);
    const looks = async () => (await handle.describe()).historyLength;
    for (let nudges = 0; nudges < times; nudges += 1) {
      const before = await looks();
      await handle.signal(nudgeSignal);
      await until('it has looked', async () => (await looks()) !== before);
    }
  }

  /** Runs `scene` while the gateway process is stopped, so that it loads nothing. */
  async withoutGateway(scene: () => Promise<void>): Promise<void> {
    const gateway = await this.stack.pidOf('gateway');
    if (gateway === undefined) throw new Error('the gateway does not run');
    process.kill(gateway, 'SIGSTOP');
    try {
      await scene();
    } finally {
      process.kill(gateway, 'SIGCONT');
    }
  }
}
