import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { BenchContext } from '../running/bench-context.ts';
import { runToEnd, startUntilSaid } from '../running/start-program.ts';

const StackFile = z.object({ api: z.string(), gateway: z.string(), temporal: z.string() }).loose();
const Keys = z.object({ admin: z.string(), operator: z.string(), approver: z.string() }).loose();
const RunAnswer = z
  .object({ id: z.string(), state: z.string(), approvalId: z.string().nullish(), startedAt: z.string().nullish() })
  .loose();

export interface BenchStack {
  readonly pid: number;
  readonly home: string;
  readonly api: string;
  readonly gateway: string;
  readonly temporal: string;
  readonly keys: z.infer<typeof Keys>;
  /** Milliseconds from the start of the process until every part answered. */
  readonly startMs: number;
  /** Runs the command line of the stack's checkout and returns its standard output. */
  perennial(args: readonly string[]): Promise<string>;
  ask(method: string, path: string, body?: unknown, as?: keyof Keys): Promise<unknown>;
  /** Deploys a version, votes for it, and waits until it serves. Returns the instant of the vote. */
  deploy(model: string, version: number, body?: object): Promise<number>;
  stop(): Promise<void>;
}

type Keys = Readonly<Record<'admin' | 'operator' | 'approver', string>>;

export interface StackOptions {
  /** Folder of the checkout whose stack is started. */
  readonly root: string;
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the embedded stack of a checkout on free ports, as `perennial up` does, and waits until it is up. */
export async function startBenchStack(bench: BenchContext, options: StackOptions): Promise<BenchStack> {
  const { root, home } = options;
  const ports = ['API', 'GATEWAY', 'WORKER', 'POSTGRES', 'TEMPORAL', 'TEMPORAL_UI'];
  const env = {
    ...process.env,
    ...Object.fromEntries(ports.map((part) => [`PERENNIAL_${part}_PORT`, '0'])),
    PERENNIAL_HOME: home,
    ...options.env,
  };
  const begun = performance.now();
  const main = join(root, 'stack', 'main.ts');
  const program = await startUntilSaid(bench, process.execPath, [main], { env }, /^Perennial is up/);
  const startMs = performance.now() - begun;
  const { api, gateway, temporal } = StackFile.parse(JSON.parse(await readFile(join(home, 'stack.json'), 'utf8')));
  const keys = Keys.parse(JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')));
  const ask: BenchStack['ask'] = (method, path, body, as = 'operator') =>
    askApi(`${api}${path}`, keys[as], method, body);
  return {
    pid: program.child.pid ?? 0,
    home,
    api,
    gateway,
    temporal,
    keys,
    startMs,
    perennial: (args) => runToEnd(bench, process.execPath, [join(root, 'cli', 'main.ts'), ...args], { env, cwd: home }),
    ask,
    deploy: (model, version, body = {}) => deployVersion(bench, ask, model, { version, ...body }),
    stop: program.stop,
  };
}

async function askApi(url: string, key: string, method: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${text}`);
  return text === '' ? null : JSON.parse(text);
}

async function deployVersion(
  bench: BenchContext,
  ask: BenchStack['ask'],
  model: string,
  body: object,
): Promise<number> {
  const started = await ask('POST', `/v1/models/${model}/deployments`, body);
  const { run } = z.object({ run: RunAnswer }).loose().parse(started);
  let votedAt: number | undefined;
  for (;;) {
    bench.signal.throwIfAborted();
    const now = RunAnswer.parse(await ask('GET', `/v1/runs/${run.id}`));
    if (now.state === 'succeeded') return votedAt ?? Date.parse(now.startedAt ?? '');
    if (now.state === 'failed' || now.state === 'cancelled')
      throw new Error(`the deployment of ${model} ended as ${now.state}: ${JSON.stringify(now)}`);
    if (now.state === 'awaiting-approval' && now.approvalId && votedAt === undefined) {
      const { digest } = z
        .object({ digest: z.string() })
        .loose()
        .parse(await ask('GET', `/v1/approvals/${now.approvalId}`));
      votedAt = Date.now();
      await ask('POST', `/v1/approvals/${now.approvalId}/votes`, { decision: 'approve', digest }, 'approver');
    }
    await pause(100);
  }
}
