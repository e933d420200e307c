import type { ChampionGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { betterWhen } from '../../../contracts/models/metrics.ts';
import type { Bootstrap, Inconclusive } from '../../../statistics/metrics/block-bootstrap.ts';
import { bootstrapGain } from '../../../statistics/metrics/block-bootstrap.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';

/** Returns the champion to compare with, or the reason why there is no comparison. */
export function comparisonOf({
  champion,
  championFailure,
  isChampion,
}: MeasuredRows): { readonly champion: Sample } | Pick<GateVerdict, 'verdict' | 'reason'> {
  if (championFailure !== undefined)
    return {
      verdict: 'inconclusive',
      reason: `the champion has no answer for some of these rows (${championFailure}), so the two versions cannot be compared; to accept a version in this case, set onInconclusive: pass in the gate`,
    };
  if (champion === null) return { verdict: 'not-applicable', reason: 'there is no champion yet' };
  return isChampion === true ? { verdict: 'not-applicable', reason: 'this version is the champion' } : { champion };
}

/** Returns the gain over the champion on the same rows, or the reason why it cannot be determined. */
export function gainOver(
  champion: Sample,
  metric: ChampionGate['metric'],
  rows: MeasuredRows,
  seed: number,
): Bootstrap | Inconclusive {
  const trainedOn = rows.trainedOn.filter(Boolean).length;
  if (trainedOn > 0) {
    return {
      kind: 'inconclusive',
      because: `${trainedOn} of the ${rows.challenger.truth.length} held-out rows were among the training rows of this version or of the champion`,
    };
  }
  return bootstrapGain({
    challenger: rows.challenger,
    champion,
    blocks: rows.blocks,
    metric,
    better: betterWhen(metric),
    seed,
  });
}
