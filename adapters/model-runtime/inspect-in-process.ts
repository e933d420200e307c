import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../../contracts/errors.ts';
import type { LatencyMeasurement } from '../../contracts/evaluation.ts';
import type { Signature } from '../../contracts/model-version.ts';
import type { Inspection } from './inspect-artifact.ts';
import type { LatencyOrder } from './measure-latency.ts';
import type { InspectionAnswer } from './process.ts';
import { sayOf } from './session.ts';

export interface InspectionLimits {
  readonly timeLimitMs: number;
  /** Of all memory that the process writes to, native memory included, where the system can bound it (Linux). */
  readonly memoryMebibytes: number;
}

/** Ways in which native code ends that meets a model it cannot deal with: the model's fault, and so it would again. */
const faults = new Set<NodeJS.Signals | null>([
  'SIGSEGV',
  'SIGABRT',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGXCPU',
  'SIGTRAP',
]);
const answerLimit = 2 ** 20;

/** `artifact-invalid` also for a model that takes too long or ends its process; `process-died` if someone else ended it. */
export async function inspectInProcess(inspection: Inspection, limits: InspectionLimits): Promise<Signature> {
  const answer = await askProcess(inspection, limits);
  if (answer.kind === 'signature') return answer.signature;
  throw otherAnswer();
}

/** Of an artifact that was inspected before. Fails as an inspection does. */
export async function measureInProcess(order: LatencyOrder, limits: InspectionLimits): Promise<LatencyMeasurement> {
  const answer = await askProcess(order, limits);
  if (answer.kind === 'latency') return answer.latency;
  throw otherAnswer();
}

function otherAnswer(): PerennialError {
  return new PerennialError('internal', 'the process of a model answered something else than it was asked');
}

type GoodAnswer = Exclude<InspectionAnswer, { kind: 'error' }>;

async function askProcess(order: Inspection | LatencyOrder, limits: InspectionLimits): Promise<GoodAnswer> {
  const child = start(limits);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, limits.timeLimitMs);
  const closed = once(child, 'close');
  try {
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out = `${said.out}${chunk.toString()}`.slice(0, answerLimit)));
    child.stderr.on('data', (chunk: Buffer) => (said.err = `${said.err}${chunk.toString()}`.slice(-2000)));
    child.stdin.on('error', () => undefined);
    child.stdin.write(`${JSON.stringify(order)}\n`);
    await closed;
    return read(said.out) ?? endedWithoutAnswer(child.signalCode, late, said.err, limits);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}

/** Through a shell, as only one can set limits before the process begins; they bound it also when nobody watches it any more. */
function start({ timeLimitMs, memoryMebibytes }: InspectionLimits): ReturnType<typeof spawnPiped> {
  const seconds = Math.ceil(timeLimitMs / 1000) + 5;
  const script = `ulimit -c 0; ulimit -t ${seconds}; ulimit -d ${memoryMebibytes * 1024} 2>/dev/null; exec "$0" "$@"`;
  return spawnPiped(script);
}

function spawnPiped(script: string) {
  const entry = fileURLToPath(new URL('process.ts', import.meta.url));
  // Nothing of this process's environment: it holds secrets.
  return spawn('/bin/sh', ['-c', script, process.execPath, '--disable-warning=ExperimentalWarning', entry], {
    env: { TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** What the process said, or undefined if it never came to say it. */
function read(line: string): GoodAnswer | undefined {
  if (!line.endsWith('\n')) return undefined;
  const answer: InspectionAnswer = JSON.parse(line);
  if (answer.kind !== 'error') return answer;
  throw new PerennialError(answer.code, answer.message, answer.fields);
}

function endedWithoutAnswer(
  signal: NodeJS.Signals | null,
  late: boolean,
  said: string,
  limits: InspectionLimits,
): never {
  if (late)
    throw new PerennialError(
      'artifact-invalid',
      `model.onnx was not loaded and tried on a few rows within ${limits.timeLimitMs / 1000} s; make it smaller`,
    );
  if (faults.has(signal) || /out of memory|bad_alloc/i.test(said))
    throw new PerennialError(
      'artifact-invalid',
      `model.onnx ended the process that loaded it (${signal ?? 'out of memory'}); it must load within ${limits.memoryMebibytes} MiB`,
    );
  throw new PerennialError(
    'process-died',
    `the process that inspects a model ended (${signal ?? 'by itself'}) before it answered; it said: ${sayOf(said) || 'nothing'}`,
  );
}
