import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Absent, type BenchContext } from './bench-context.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const lastSaid = 4_000;
const stopsWithinMs = 20_000;

export interface ProgramOptions {
  readonly env?: Variables;
  readonly cwd?: string;
}

/** Runs a program to its end and returns its standard output. A failure carries the end of what it said. */
export async function runToEnd(
  bench: Pick<BenchContext, 'signal'>,
  file: string,
  args: readonly string[],
  { env = process.env, cwd }: ProgramOptions = {},
): Promise<string> {
  bench.signal.throwIfAborted();
  const child = spawn(file, args, { env: { ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'], signal: bench.signal });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr = (stderr + bytes.toString()).slice(-lastSaid)));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', (caught: NodeJS.ErrnoException) =>
      reject(caught.code === 'ENOENT' ? new Absent(`${file} is not installed`) : caught),
    );
    child.once('close', (...how) => resolve(how));
  });
  if (code !== 0) throw new Error(`${file} ended with ${code ?? signal}: ${stderr.trim() || stdout.slice(-lastSaid)}`);
  return stdout;
}

export interface StartedProgram {
  readonly child: ChildProcess;
  /** Standard error so far, its end only. */
  said(): string;
  stop(): Promise<void>;
}

/** Starts a program that runs until it is stopped, at the latest when the measure ends. */
export function startProgram(
  bench: Pick<BenchContext, 'onEnd'>,
  file: string,
  args: readonly string[],
  { env = process.env, cwd }: ProgramOptions = {},
  onLine: (line: string) => void = () => {},
): StartedProgram {
  const child = spawn(file, args, { env: { ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const read = (line: string): void => {
    said = `${said}${line}\n`.slice(-lastSaid);
    onLine(line);
  };
  createInterface({ input: child.stdout }).on('line', read);
  createInterface({ input: child.stderr }).on('line', read);
  const ended = new Promise<void>((resolve) => {
    // Not `close`: what the program itself started may still hold its output open.
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopsWithinMs);
    await ended;
    clearTimeout(late);
  };
  // A crash of this process must not leave the program behind.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  bench.onEnd(stop);
  return { child, said: () => said, stop };
}

/** Waits until the program says a line that matches, and returns the match. */
export async function startUntilSaid(
  bench: Pick<BenchContext, 'onEnd' | 'signal'>,
  file: string,
  args: readonly string[],
  options: ProgramOptions,
  wanted: RegExp,
): Promise<StartedProgram & { readonly match: RegExpExecArray }> {
  const found = Promise.withResolvers<RegExpExecArray>();
  const program = startProgram(bench, file, args, options, (line) => {
    const match = wanted.exec(line);
    if (match !== null) found.resolve(match);
  });
  const failed = (why: string) => found.reject(new Error(`${[file, ...args].join(' ')} ${why}: ${program.said()}`));
  program.child.once('close', (code) => failed(`ended with ${code}`));
  program.child.once('error', (caught) => failed(caught.message));
  bench.signal.addEventListener('abort', () => failed('was interrupted'), { once: true });
  return { ...program, match: await found.promise };
}

/** Resolves when the process has ended. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
