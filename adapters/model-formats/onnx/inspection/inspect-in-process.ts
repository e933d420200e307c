import { lstat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { LatencyMeasurement } from '../../../../contracts/models/evaluation.ts';
import type { InspectedArtifact, Inspection, LatencyOrder } from '../../../../ports/model-format.ts';
import { mountsOfOwnProgram } from '../../../sandbox/own-program.ts';
import type { Ending, Mount, Sandbox, SandboxedProcess } from '../../../sandbox/sandbox.ts';
import { convertedName } from './inspect-artifact.ts';
import type { InspectionAnswer } from './inspection-process.ts';
import { sayOf } from '../session.ts';

export interface InspectionLimits {
  readonly timeLimitMs: number;
  /**
   * Limit on all memory that the process writes to, native memory included, where the system can enforce it (Linux).
   */
  readonly memoryMebibytes: number;
}

/** Disk space for the converted model. Protobuf limits a message to 2 GiB. */
const diskBytes = 2 * 2 ** 30;
const mostFiles = 10;

/**
 * Signals that end native code which cannot handle a model. They are the model's fault, so a retry would end the same
 * way.
 */
const faults = new Set<string | null>(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGXCPU', 'SIGTRAP']);
const answerLimit = 2 ** 20;

/**
 * Inspects a model in a sandboxed process. Throws `artifact-invalid`, also if the model takes too long or ends its
 * process, and `process-died` if the process ended for another reason.
 */
export async function inspectInProcess(
  sandbox: Sandbox,
  inspection: Inspection,
  limits: InspectionLimits,
): Promise<InspectedArtifact<OnnxSignature>> {
  const { path, files, outputFolder } = inspection.artifact;
  const sources = [path, ...Object.values(files)].map((source): Mount => ({ source }));
  const mounts = [...sources, { source: outputFolder, writable: true }];
  const answer = await askProcess(sandbox, inspection, mounts, limits);
  if (answer.kind !== 'inspected') throw otherAnswer();
  const { inspected } = answer;
  return inspected.converted === null ? inspected : { ...inspected, converted: await plainFile(outputFolder) };
}

/**
 * Returns the path of the converted model. Ignores the path that the process reports and follows no link, because the
 * loaded model may have taken over the process.
 */
async function plainFile(folder: string): Promise<string> {
  const path = join(folder, convertedName);
  if ((await lstat(path)).isFile()) return path;
  throw new PerennialError('artifact-invalid', 'the converted model is not a plain file; build again');
}

/** Measures the latency of an artifact that was inspected before. Fails as `inspectInProcess` does. */
export async function measureInProcess(
  sandbox: Sandbox,
  order: LatencyOrder<OnnxSignature>,
  limits: InspectionLimits,
): Promise<LatencyMeasurement> {
  const answer = await askProcess(sandbox, order, [{ source: order.path }], limits);
  if (answer.kind === 'latency') return answer.latency;
  throw otherAnswer();
}

function otherAnswer(): PerennialError {
  return new PerennialError('internal', 'the process that inspects a model sent an unexpected answer');
}

type GoodAnswer = Exclude<InspectionAnswer, { kind: 'error' }>;

async function askProcess(
  sandbox: Sandbox,
  order: Inspection | LatencyOrder<OnnxSignature>,
  mounts: readonly Mount[],
  limits: InspectionLimits,
): Promise<GoodAnswer> {
  const child = await start(sandbox, mounts, limits);
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out = `${said.out}${chunk.toString()}`.slice(0, answerLimit)));
  child.stderr.on('data', (chunk: Buffer) => (said.err = `${said.err}${chunk.toString()}`.slice(-2000)));
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(order)}\n`);
  const ending = await child.ended;
  return read(said.out) ?? endedWithoutAnswer(ending, said.err, limits);
}

/** Starts the process, which sees only the given mounts and the platform's own program files. */
function start(
  sandbox: Sandbox,
  mounts: readonly Mount[],
  { timeLimitMs, memoryMebibytes }: InspectionLimits,
): Promise<SandboxedProcess> {
  const entry = fileURLToPath(new URL('inspection-process.ts', import.meta.url));
  return sandbox.open({
    title: 'the first load of a model',
    file: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', entry],
    cwd: '/',
    env: { TZ: 'UTC' },
    mounts: [...mountsOfOwnProgram(), ...mounts],
    network: { kind: 'none' },
    limits: {
      timeoutMs: timeLimitMs,
      memoryBytes: memoryMebibytes * 2 ** 20,
      processes: 2,
      diskBytes,
      files: mostFiles,
    },
    signal: new AbortController().signal,
  });
}

/**
 * Returns the answer of the process, or undefined if it ended before it answered. Throws the error that it answered
 * with.
 */
function read(line: string): GoodAnswer | undefined {
  if (!line.endsWith('\n')) return undefined;
  const answer: InspectionAnswer = JSON.parse(line);
  if (answer.kind !== 'error') return answer;
  throw new PerennialError(answer.code, answer.message, answer.fields);
}

function endedWithoutAnswer(ending: Ending, said: string, limits: InspectionLimits): never {
  if (ending.kind === 'timeout')
    throw new PerennialError(
      'artifact-invalid',
      `loading model.onnx and trying it on a few rows took longer than ${limits.timeLimitMs / 1000} s; make the model smaller, or raise PERENNIAL_MODEL_TIMEOUT on the workers`,
    );
  const how = waysOfEnding(ending);
  const outOfMemory =
    /out of memory|bad_alloc/i.test(said) || (ending.kind === 'over-limit' && ending.breach.what === 'memory');
  if (faults.has(how) || outOfMemory)
    throw new PerennialError(
      'artifact-invalid',
      `model.onnx ended the process that loaded it (${faults.has(how) ? how : 'out of memory'}); the model must load within ${limits.memoryMebibytes} MiB; make the model smaller, or raise PERENNIAL_MODEL_MEMORY on the workers`,
    );
  throw new PerennialError(
    'process-died',
    `the process that inspects a model ended (${how ?? 'by itself'}) before it answered; its output: ${sayOf(said) || 'nothing'}`,
  );
}

/**
 * Returns how the process ended: the limit that it passed, or the signal that ended it, or null. A sandbox reports a
 * signal as a shell does: exit code 128 plus the signal's number.
 */
function waysOfEnding(ending: Ending): string | null {
  if (ending.kind === 'over-limit') return `over its limit of ${ending.breach.what}: ${ending.breach.limit}`;
  if (ending.kind !== 'exited') return ending.kind === 'not-started' ? ending.reason : ending.kind;
  const [name] = Object.entries(constants.signals).find(([, number]) => ending.exitCode === 128 + number) ?? [];
  return ending.signal ?? name ?? null;
}
