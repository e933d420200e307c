import type { InferenceSession } from 'onnxruntime-node';
import type { ColumnBatch } from '../../../contracts/data/column-batch.ts';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../contracts/model-format.ts';
import { modelFormats } from '../../../contracts/model-format.ts';
import type { Answers, LoadedModel, ModelFormat } from '../../../ports/model-format.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { WaitingProcesses } from '../../sandbox/waiting/waiting-processes.ts';
import { answerEach } from './answer-each.ts';
import { inPieces } from './in-pieces.ts';
import { answersOf, mustBeFinite, noAnswers, outputNames } from './read-answers.ts';
import { refuseExternalData } from './graph/external-data.ts';
import { inspectInProcess, inspectionProgram, measureInProcess } from './inspection/inspect-in-process.ts';
import { openSession, sayOf } from './session.ts';
import { feedsOf } from './tensors.ts';

export interface OnnxFormatSettings {
  readonly sandbox: Sandbox;
  /** Time limit of one inspection, in milliseconds. Default: two minutes. */
  readonly timeLimitMs?: number;
  /** Memory limit of one inspection, in MiB. Default: 4096. */
  readonly memoryMebibytes?: number;
  /** Folder for the files of each inspection. Created if absent. */
  readonly scratchFolder: string;
  /** Number of processes that wait for the next inspections while inspections come. Default: 0. */
  readonly spares?: number;
  /** Milliseconds after which missing ones are started. Default: 0. */
  readonly refillAfterMs?: number;
  /** Whether the first processes start now and not with the first inspection. Default: false. */
  readonly ahead?: boolean;
}

const inspectionsAtOnce = 4;

/**
 * Creates the ONNX format, which runs ONNX Runtime on the CPU. A call of the runtime blocks the event loop, so many rows
 * are predicted in pieces of a few milliseconds.
 */
export function createOnnxFormat(settings: OnnxFormatSettings): ModelFormat<OnnxSignature> {
  const { sandbox, timeLimitMs = 120_000, memoryMebibytes = 4096 } = settings;
  const limits = { timeLimitMs, memoryMebibytes };
  const processes = new WaitingProcesses({
    sandbox,
    program: inspectionProgram(limits),
    scratchFolder: settings.scratchFolder,
    concurrency: inspectionsAtOnce,
    spares: settings.spares ?? 0,
    refillAfterMs: settings.refillAfterMs ?? 0,
  });
  if (settings.ahead === true) processes.prepare();
  return {
    detect: (path) => path === modelFormats.onnx.writes,
    inspect: (inspection) => inspectInProcess(processes, inspection, limits),
    measureLatency: (order) => measureInProcess(processes, order, limits),
    async load(bytes, signature) {
      refuseExternalData(bytes);
      return loadedModel(await open(bytes), signature);
    },
  };
}

async function open(bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await openSession(bytes);
  } catch (caught) {
    throw new PerennialError('artifact-invalid', `model.onnx cannot be loaded: ${sayOf(reasonOf(caught))}`);
  }
}

function loadedModel(session: InferenceSession, signature: OnnxSignature): LoadedModel {
  const names = outputNames(signature);
  const runOnce = async (batch: ColumnBatch): Promise<Answers> => {
    if (batch.rows === 0) return noAnswers(signature);
    const feeds = feedsOf(signature, batch);
    try {
      return answersOf(await session.run(feeds, names), signature, batch.rows);
    } catch (caught) {
      if (caught instanceof PerennialError) throw caught;
      throw new PerennialError('prediction-invalid', `the model failed: ${sayOf(reasonOf(caught))}`, {
        output: signature.output.name,
      });
    }
  };
  const run = inPieces(runOnce);
  return {
    signature,
    predictEach: (batch) => answerEach(run, signature, batch),
    predict: async (batch) => mustBeFinite(await run(batch), signature),
    release: () => session.release(),
  };
}
