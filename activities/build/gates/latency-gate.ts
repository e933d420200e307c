import type { LatencyGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { GateJudge } from './gate-judge.ts';

export const latencyGate: GateJudge<'latency'> = {
  verdicts: (gate, { evidence }) => [latencyVerdict(gate, evidence)],
};

/** Compares the measured latency with the bound. In a rehearsal the value is reported but does not decide. */
function latencyVerdict(gate: LatencyGate, evidence: GateEvidence | undefined): GateVerdict {
  const told = { gate: `latency ${gate.latency} max ${gate.maxMs} ms`, threshold: gate.maxMs };
  const latency = evidence?.latency ?? null;
  if (latency === null)
    return { ...told, verdict: 'inconclusive', value: null, n: 0, reason: 'the latency was not measured' };
  const value = latency[`${gate.latency}Ms`];
  const measured = { ...told, value, n: latency.calls };
  if (evidence?.latencyDecides === false)
    return {
      ...measured,
      verdict: 'not-applicable',
      reason: 'in a rehearsal, latency is recorded but decides nothing',
    };
  if (value <= gate.maxMs) return { ...measured, verdict: 'pass', reason: '' };
  return {
    ...measured,
    verdict: 'fail',
    reason: `latency ${gate.latency} ${value.toPrecision(4)} ms is above ${gate.maxMs} ms, on ${latency.machine}`,
  };
}
