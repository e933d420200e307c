import type { ThresholdGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { measure } from '../../../statistics/metrics/measure.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import type { GateJudge } from './gate-judge.ts';
import { boundsInWords, compareWithBounds, undefinedOn } from './metric-bounds.ts';

export const thresholdGate: GateJudge<'threshold'> = {
  verdicts: (gate, { rows }) => [thresholdVerdict(gate, rows)],
};

function thresholdVerdict(gate: ThresholdGate, { challenger }: MeasuredRows): GateVerdict {
  const name = [gate.metric, ...boundsInWords(gate)].join(' ');
  const n = challenger.truth.length;
  const value = measure(challenger, gate.metric);
  if (Number.isNaN(value)) return { ...undefinedOn(challenger, gate, 'these rows'), gate: name, n };
  const { threshold, breach } = compareWithBounds(gate, value);
  return {
    gate: name,
    verdict: breach === undefined ? 'pass' : 'fail',
    value,
    threshold,
    n,
    reason: breach === undefined ? '' : `${gate.metric} ${breach.value} is ${breach.bound}`,
  };
}
