// Process of one inspection or one latency measurement. It reads one line of JSON, answers with one line of JSON, and
// ends.
import { PerennialError, reasonOf } from '../../../../contracts/errors.ts';
import type { ErrorCode, ErrorFields } from '../../../../contracts/errors.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { LatencyMeasurement } from '../../../../contracts/models/evaluation.ts';
import type { InspectedArtifact, Inspection, LatencyOrder } from '../../../../ports/model-format.ts';
import { endNow, readLines } from '../../../sandbox/waiting/read-lines.ts';
import { inspectArtifact } from './inspect-artifact.ts';
import { measureLatency } from './measure-latency.ts';
import { sayOf } from '../session.ts';

export type InspectionAnswer =
  | { readonly kind: 'inspected'; readonly inspected: InspectedArtifact<OnnxSignature> }
  | { readonly kind: 'latency'; readonly latency: LatencyMeasurement }
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string; readonly fields: ErrorFields };

async function answer(line: string): Promise<InspectionAnswer> {
  try {
    const order: Inspection | LatencyOrder<OnnxSignature> = JSON.parse(line);
    if ('calls' in order) return { kind: 'latency', latency: await measureLatency(order) };
    return { kind: 'inspected', inspected: await inspectArtifact(order) };
  } catch (caught) {
    const { code, message, fields } = inOurWords(caught);
    return { kind: 'error', code, message, fields };
  }
}

function inOurWords(caught: unknown): PerennialError {
  if (caught instanceof PerennialError) return caught;
  return new PerennialError('internal', `the inspection of a model failed: ${sayOf(reasonOf(caught))}`);
}

readLines((line) => {
  void answer(line).then((said) => process.stdout.end(`${JSON.stringify(said)}\n`, endNow));
});
