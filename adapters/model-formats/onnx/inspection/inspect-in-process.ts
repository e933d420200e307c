import { constants } from 'node:os';
import { join } from 'node:path';
import { PerennialError } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { LatencyMeasurement } from '../../../../contracts/models/evaluation.ts';
import type { InspectedArtifact, Inspection, LatencyOrder } from '../../../../ports/model-format.ts';
import type { Ending } from '../../../sandbox/sandbox.ts';
import { showFile, takeFile } from '../../../sandbox/waiting/call-files.ts';
import { TimeLimit } from '../../../sandbox/waiting/time-limit.ts';
import type { WaitingProcess } from '../../../sandbox/waiting/waiting-process.ts';
import type { WaitingProcesses } from '../../../sandbox/waiting/waiting-processes.ts';
import type { WaitingProgram } from '../../../sandbox/waiting/waiting-program.ts';
import { convertedName } from './inspect-artifact.ts';
import type { InspectionAnswer } from './inspection-process.ts';
import { sayOf } from '../session.ts';

/** Disk space for the converted model. Protobuf limits a message to 2 GiB. */
const diskBytes = 2 * 2 ** 30;
const mostFiles = 10;

export interface InspectionLimits {
  readonly timeLimitMs: number;
  /**
   * Limit on all memory that the process writes to, native memory included, where the system can enforce it (Linux).
   */
  readonly memoryMebibytes: number;
}

/**
 * Signals that end native code which cannot handle a model. They are the model's fault, so a retry would end the same
 * way.
 */
const faults = new Set<string | null>(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGXCPU', 'SIGTRAP']);

/**
 * Inspects a model in a sandboxed process, which sees the files of the artifact and nothing else. Throws
 * `artifact-invalid`, also if the model takes too long or ends its process, and `process-died` if the process ended for
 * another reason.
 */
export function inspectInProcess(
  processes: WaitingProcesses,
  { artifact, ...inspection }: Inspection,
  limits: InspectionLimits,
): Promise<InspectedArtifact<OnnxSignature>> {
  return processes.call(async (child) => {
    const { given, made } = child.folders;
    const path = join(given, 'model.onnx');
    const files = Object.entries(artifact.files).map(([name, source], at) => ({
      name,
      source,
      inside: join(given, `${at}`),
    }));
    await Promise.all([showFile(artifact.path, path), ...files.map(({ source, inside }) => showFile(source, inside))]);
    const shown = Object.fromEntries(files.map(({ name, inside }) => [name, inside]));
    const answer = await ask(child, { ...inspection, artifact: { path, files: shown, outputFolder: made } }, limits);
    if (answer.kind !== 'inspected') throw otherAnswer();
    const { inspected } = answer;
    if (inspected.converted === null) return inspected;
    // The path that the process reports is ignored, because the loaded model may have taken over the process.
    const converted = join(artifact.outputFolder, convertedName);
    await takeFile(join(made, convertedName), converted, 'the inspection of a model');
    return { ...inspected, converted };
  });
}

/** Measures the latency of an artifact that was inspected before. Fails as `inspectInProcess` does. */
export function measureInProcess(
  processes: WaitingProcesses,
  order: LatencyOrder<OnnxSignature>,
  limits: InspectionLimits,
): Promise<LatencyMeasurement> {
  return processes.call(async (child) => {
    const path = join(child.folders.given, 'model.onnx');
    await showFile(order.path, path);
    const answer = await ask(child, { ...order, path }, limits);
    if (answer.kind === 'latency') return answer.latency;
    throw otherAnswer();
  });
}

function otherAnswer(): PerennialError {
  return new PerennialError('internal', 'the process that inspects a model sent an unexpected answer');
}

type GoodAnswer = Exclude<InspectionAnswer, { kind: 'error' }>;

/** Returns the answer of the process, which has ended by then, so that its files no longer change. */
async function ask(
  child: WaitingProcess,
  order: Inspection | LatencyOrder<OnnxSignature>,
  limits: InspectionLimits,
): Promise<GoodAnswer> {
  const limit = new TimeLimit(limits.timeLimitMs, () => child.stop());
  try {
    for await (const line of child.ask(JSON.stringify(order))) {
      await child.end();
      return read(line);
    }
  } finally {
    limit.pause();
  }
  const ending = await child.ending();
  return endedWithoutAnswer(limit.isReached ? { kind: 'timeout' } : ending, child.said(), limits);
}

/** The program of the processes that inspect models. */
export function inspectionProgram({ timeLimitMs, memoryMebibytes }: InspectionLimits): WaitingProgram {
  return {
    title: 'the first load of a model',
    name: 'model-inspection',
    main: new URL('inspection-process.ts', import.meta.url),
    sources: new URL('../..', import.meta.url),
    nodeArguments: [],
    env: {},
    limits: { memoryBytes: memoryMebibytes * 2 ** 20, diskBytes, files: mostFiles, timeMs: timeLimitMs },
  };
}

/** Returns the answer of the process, or throws the error that it answered with. */
function read(line: string): GoodAnswer {
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
