import type { SliceChangeGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { betterWhen } from '../../../contracts/models/metrics.ts';
import { measure, pickRows } from '../../../statistics/metrics/measure.ts';
import { relativeGain } from '../../../statistics/metrics/relative-gain.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { slicesBy } from '../evaluation/slices.ts';
import { comparisonOf } from './champion-comparison.ts';
import type { GateJudge } from './gate-judge.ts';

export const sliceChangeGate: GateJudge<'slice-change'> = {
  verdicts: (gate, { rows }) => sliceChangeVerdicts(gate, rows),
};

/**
 * Returns one verdict per slice: whether its metric is worse than the champion's on the same rows by a greater share
 * than `maxLoss`.
 */
function sliceChangeVerdicts(gate: SliceChangeGate, rows: MeasuredRows): GateVerdict[] {
  const named = (label: string) => `${gate.metric} for ${label} versus champion, maxLoss ${gate.maxLoss}`;
  const compared = comparisonOf(rows);
  if (!('champion' in compared)) {
    const told = { gate: named(gate.slice), value: null, threshold: gate.maxLoss, n: rows.challenger.truth.length };
    return [{ ...told, ...compared }];
  }
  const { champion } = compared;
  return slicesBy(gate.slice, rows).map(({ column, value, rows: within }) => {
    const label = `${column}=${value}`;
    const trainedOn = within.filter((row) => rows.trainedOn[row] === true).length;
    const told = { gate: named(label), value: null, threshold: gate.maxLoss, n: within.length };
    if (trainedOn > 0) {
      const reason = `${trainedOn} of the ${within.length} held-out rows of ${label} were among the training rows of this version or of the champion`;
      return { ...told, verdict: 'inconclusive', reason: `the change for ${label} is inconclusive: ${reason}` };
    }
    return changeVerdict(gate, told, label, [pickRows(rows.challenger, within), pickRows(champion, within)]);
  });
}

function changeVerdict(
  gate: SliceChangeGate,
  told: Omit<GateVerdict, 'verdict' | 'reason'>,
  label: string,
  [challenger, champion]: readonly [Sample, Sample],
): GateVerdict {
  const [now, before] = [measure(challenger, gate.metric), measure(champion, gate.metric)];
  // Infinite if the champion's metric is perfect and the challenger's is not; it then exceeds every bound.
  const loss = -relativeGain(betterWhen(gate.metric), now, before);
  if (Number.isNaN(loss)) {
    const reason = `${gate.metric} is not defined on ${label}: reported, decides nothing`;
    return { ...told, verdict: 'not-applicable', reason };
  }
  const value = Number.isFinite(loss) ? loss : null;
  if (told.n < gate.minRows) {
    const reason = `${label} has ${told.n} rows, fewer than ${gate.minRows}: reported, decides nothing`;
    return { ...told, value, verdict: 'not-applicable', reason };
  }
  if (loss <= gate.maxLoss) return { ...told, value, verdict: 'pass', reason: '' };
  const share = Number.isFinite(loss) ? ` by ${(loss * 100).toPrecision(3)} %` : '';
  return {
    ...told,
    value,
    verdict: 'fail',
    reason: `${gate.metric} for ${label} is worse than the champion's${share}: ${before.toPrecision(4)} → ${now.toPrecision(4)}`,
  };
}
