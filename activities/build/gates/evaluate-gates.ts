import type { Gate, GateKind } from '../../../contracts/configuration/gates.ts';
import { gateKindOf } from '../../../contracts/configuration/gates.ts';
import type { EvaluationBody, GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { GateJudge } from './gate-judge.ts';
import { gateJudges } from './index.ts';

/**
 * Returns each gate's verdict on the challenger and the overall verdict: `candidate`, or `rejected` with the reasons of
 * the gates that refused it.
 *
 * @param seed seed of the resampling in champion gates.
 * @param evidence measurements for gates of latency, size and command; without it they are inconclusive.
 */
export function evaluateGates(
  gates: readonly Gate[],
  rows: MeasuredRows,
  seed: number,
  evidence?: GateEvidence,
): Pick<EvaluationBody, 'gates' | 'verdict' | 'reasons'> {
  const judged = gates.flatMap((gate) => {
    const judge: GateJudge<GateKind> = gateJudges[gateKindOf(gate)];
    const verdicts = judge.verdicts(gate, { rows, seed, evidence, gates });
    return verdicts.map((verdict) => ({ verdict, refuses: refuses(gate, verdict) }));
  });
  const reasons = judged.filter(({ refuses: refused }) => refused).map(({ verdict }) => verdict.reason);
  return {
    gates: judged.map(({ verdict }) => verdict),
    verdict: reasons.length === 0 ? 'candidate' : 'rejected',
    reasons: [...new Set(reasons)],
  };
}

function refuses(gate: Gate, { verdict }: GateVerdict): boolean {
  if (verdict === 'inconclusive') return !('onInconclusive' in gate) || gate.onInconclusive === 'refuse';
  return verdict === 'fail';
}
