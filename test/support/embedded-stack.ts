import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { cli } from '../cli/run-cli.ts';
import { checkAnswer } from './checked-answers.ts';
import { checkingAnswers } from './checking-answers.ts';

const StackFile = z
  .object({ pid: z.number(), state: z.string(), api: z.string(), gateway: z.string(), temporal: z.string() })
  .loose();
const Keys = z.object({ admin: z.string(), operator: z.string(), approver: z.string() }).loose();
const Processes = z.object({ parts: z.array(z.object({ part: z.string(), pid: z.number() }).loose()) }).loose();

const repository = fileURLToPath(new URL('../..', import.meta.url));
const readyWithinMs = 150_000;

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The embedded stack as users run it: in a process of its own, with its own state folder and free ports. */
export class EmbeddedStack {
  readonly home: string;
  readonly api: string;
  readonly gateway: string;
  readonly temporal: string;
  readonly keys: z.infer<typeof Keys>;
  readonly #child: ChildProcess;
  readonly #afterwards: () => Promise<void>;

  constructor(
    home: string,
    file: z.infer<typeof StackFile>,
    keys: z.infer<typeof Keys>,
    child: ChildProcess,
    afterwards: () => Promise<void>,
  ) {
    this.#afterwards = afterwards;
    this.home = home;
    this.api = file.api;
    this.gateway = file.gateway;
    this.temporal = file.temporal;
    this.keys = keys;
    this.#child = child;
  }

  /** Returns the current process id of a part, or undefined while the part is down. */
  async pidOf(part: string): Promise<number | undefined> {
    const { parts } = Processes.parse(JSON.parse(await readFile(join(this.home, 'processes.json'), 'utf8')));
    return parts.find((running) => running.part === part)?.pid;
  }

  /** Runs `perennial …` against this stack in a process of its own. */
  perennial(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<CommandResult> {
    return runPerennial(args, { PERENNIAL_HOME: this.home }, options.cwd);
  }

  /**
   * Runs `perennial … --json` and expects success. Runs in this process unless `cwd` is given, because starting a
   * process takes longer than most commands.
   */
  async json<Schema extends z.ZodType>(
    schema: Schema,
    args: readonly string[],
    options: { readonly cwd?: string } = {},
  ): Promise<z.infer<Schema>> {
    const all = [...args, '--json'];
    const { code, stdout, stderr } =
      options.cwd === undefined
        ? await checkingAnswers(() => cli(all, { PERENNIAL_HOME: this.home }))
        : await this.perennial(all, options);
    if (code !== 0) throw new Error(`perennial ${args.join(' ')} ended with ${code}: ${stderr}`);
    return schema.parse(JSON.parse(stdout));
  }

  /** Sends one request to the API as one of the stack's principals. */
  async request(
    method: string,
    path: string,
    body?: unknown,
    as: 'admin' | 'operator' | 'approver' = 'operator',
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await fetch(`${this.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.keys[as]}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    checkAnswer({ method, path, status: answer.status, contentType: answer.headers.get('content-type') ?? '', text });
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }

  async get<Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.infer<Schema>> {
    const { status, body } = await this.request('GET', path);
    if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
    return schema.parse(body);
  }

  /** Stops the stack in an orderly way and keeps its state, with which another stack can start. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    await once(this.#child, 'exit');
  }

  /** Stops the stack in an orderly way and removes its state. */
  async end(): Promise<void> {
    await this.stop();
    await rm(this.home, { recursive: true, force: true });
    await this.#afterwards();
  }
}

/**
 * Starts a stack and waits until each of its parts answers. `afterwards` runs after the stack has ended. The state is
 * in a new folder, or in the folder that PERENNIAL_HOME names; `end` removes either one. `root` is the checkout whose code
 * runs.
 */
export async function startEmbeddedStack(
  environment: Record<string, string> = {},
  afterwards: () => Promise<void> = async () => {},
  root: string = repository,
): Promise<EmbeddedStack> {
  const home = environment.PERENNIAL_HOME ?? (await mkdtemp(join(tmpdir(), 'perennial-stack-')));
  const child = spawn(process.execPath, [join(root, 'stack/main.ts')], {
    env: {
      ...process.env,
      PERENNIAL_HOME: home,
      PERENNIAL_API_PORT: '0',
      PERENNIAL_GATEWAY_PORT: '0',
      PERENNIAL_WORKER_PORT: '0',
      PERENNIAL_POSTGRES_PORT: '0',
      PERENNIAL_TEMPORAL_PORT: '0',
      PERENNIAL_TEMPORAL_UI_PORT: '0',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const giveUpAt = Date.now() + readyWithinMs;
  for (;;) {
    const file = await readJson(join(home, 'stack.json'), StackFile);
    if (file?.state === 'ready') {
      const keys = Keys.parse(JSON.parse(await readFile(join(home, 'keys.json'), 'utf8')));
      return new EmbeddedStack(home, file, keys, child, afterwards);
    }
    if (child.exitCode !== null) throw new Error(`the stack ended before it was ready: ${said}`);
    if (Date.now() > giveUpAt) {
      child.kill('SIGTERM');
      throw new Error(`the stack was not ready in ${readyWithinMs / 1000} s: ${said}`);
    }
    await pause(50);
  }
}

async function readJson<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema> | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // The file does not exist yet or is incomplete.
    return undefined;
  }
}

/** Runs the command line as a process without a terminal. */
export async function runPerennial(
  args: readonly string[],
  environment: Record<string, string>,
  cwd: string = repository,
): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-answers-'));
  const answers = join(folder, 'answers.ndjson');
  try {
    const noting = ['--import', join(repository, 'test/support/note-answers.ts')];
    const child = spawn(process.execPath, [...noting, join(repository, 'cli/main.ts'), ...args], {
      cwd,
      env: { ...process.env, ...environment, PERENNIAL_TEST_ANSWERS: answers },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    await once(child, 'close');
    await checkNoted(answers);
    return { code: child.exitCode, stdout, stderr };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function checkNoted(file: string): Promise<void> {
  // The file does not exist if the command sent no request to the API.
  const noted = await readFile(file, 'utf8').catch(() => '');
  for (const line of noted.split('\n')) if (line !== '') checkAnswer(JSON.parse(line));
}
