import { evaluate } from '../../activities/build/evaluation/evaluate.ts';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { Gate } from '../../contracts/configuration/gates.ts';
import { sha256OfBytes, sha256OfJson } from '../../contracts/digest.ts';
import { configuration } from '../db/database-ground.ts';

const rows = 1_000_000;
const digest = sha256OfBytes('million');

/** Computes an evaluation with a gate against the champion, and the drift of one column, as builds and reports do. */
export function measureMillionRows(): { readonly digest: string; readonly gain: number | null } {
  const truth = Float64Array.from({ length: rows }, (_, row) => 100 + (row % 24) * 5 + (row % 7));
  const missing = (by: number) => truth.map((value, row) => value + ((row * 7919) % 13) * by);
  const body = evaluate({
    modelVersionDigest: digest,
    championVersionDigest: digest,
    holdout: digest,
    metric: 'rmse',
    confidence: 0.9,
    gates: [Gate.parse({ metric: 'mae', versus: 'champion', minGain: 0, confidence: 0.9 })],
    seed: 7,
    rows: {
      challenger: { task: 'regression', truth, prediction: missing(1) },
      champion: { task: 'regression', truth, prediction: missing(2) },
      blocks: Array.from(truth, (_, row) => Math.floor(row / 500)),
      slices: {},
      trainedOn: Array.from(truth, () => false),
    },
  });
  const before = referenceOf('x', Array.from(truth), 'numeric');
  const { drift } = Configuration.parse(configuration).monitor;
  const moved = driftOf(before, Array.from(missing(0.1)), 'feature', drift);
  return { digest: sha256OfJson(JSON.parse(JSON.stringify({ body, moved }))), gain: body.gain };
}
