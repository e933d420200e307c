import type { SizeGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { bytesOf } from '../../../contracts/settings/byte-size.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { GateJudge } from './gate-judge.ts';

export const sizeGate: GateJudge<'size'> = {
  verdicts: (gate, { evidence }) => [sizeVerdict(gate, evidence)],
};

function sizeVerdict(gate: SizeGate, evidence: GateEvidence | undefined): GateVerdict {
  const threshold = bytesOf(gate.size);
  const told = { gate: `size max ${gate.size}`, threshold, n: 1 };
  if (evidence === undefined)
    return { ...told, verdict: 'inconclusive', value: null, reason: 'the size of the model is not known' };
  const value = evidence.artifactBytes;
  if (value <= threshold) return { ...told, verdict: 'pass', value, reason: '' };
  return {
    ...told,
    verdict: 'fail',
    value,
    reason: `${evidence.artifactName} has ${value} bytes, more than ${gate.size}`,
  };
}
