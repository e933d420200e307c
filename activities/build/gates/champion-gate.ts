import type { ChampionGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { lowerBound } from '../../../statistics/metrics/block-bootstrap.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { comparisonOf, gainOver } from './champion-comparison.ts';
import type { GateJudge } from './gate-judge.ts';

/** Without a champion the verdict is `not-applicable`. */
export const championGate: GateJudge<'champion'> = {
  verdicts: (gate, { rows, seed }) => [championVerdict(gate, rows, seed)],
};

function championVerdict(gate: ChampionGate, rows: MeasuredRows, seed: number): GateVerdict {
  const told = {
    gate: `${gate.metric} versus champion, minGain ${gate.minGain}`,
    threshold: gate.minGain,
    n: rows.challenger.truth.length,
  };
  const compared = comparisonOf(rows);
  if (!('champion' in compared)) return { ...told, value: null, ...compared };
  const gain = gainOver(compared.champion, gate.metric, rows, seed);
  if (gain.kind === 'inconclusive') {
    return {
      ...told,
      verdict: 'inconclusive',
      value: null,
      reason: `the gain over the champion is inconclusive: ${gain.because}`,
    };
  }
  const value = lowerBound(gain, gate.confidence);
  if (value > gate.minGain) return { ...told, verdict: 'pass', value, reason: '' };
  return { ...told, verdict: 'fail', value, reason: 'no gain over the champion' };
}
