import { bytesOf } from '../../../contracts/settings/byte-size.ts';
import type { CommandGate, LatencyGate, SizeGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import type { CheckResult } from '../../../contracts/models/training-job.ts';
import type { GateEvidence } from './gate-evidence.ts';

/** Of the calls that were measured, against the bound; where latency decides nothing it is told all the same. */
export function latencyVerdict(gate: LatencyGate, evidence: GateEvidence | undefined): GateVerdict {
  const told = { gate: `latency ${gate.latency} max ${gate.maxMs} ms`, threshold: gate.maxMs };
  const latency = evidence?.latency ?? null;
  if (latency === null)
    return { ...told, verdict: 'inconclusive', value: null, n: 0, reason: 'the latency was not measured' };
  const value = latency[`${gate.latency}Ms`];
  const measured = { ...told, value, n: latency.calls };
  if (evidence?.latencyDecides === false)
    return { ...measured, verdict: 'not-applicable', reason: 'a rehearsal: latency is recorded and decides nothing' };
  if (value <= gate.maxMs) return { ...measured, verdict: 'pass', reason: '' };
  return {
    ...measured,
    verdict: 'fail',
    reason: `latency ${gate.latency} ${value.toPrecision(4)} ms is above ${gate.maxMs} ms, on ${latency.machine}`,
  };
}

export function sizeVerdict(gate: SizeGate, evidence: GateEvidence | undefined): GateVerdict {
  const threshold = bytesOf(gate.size);
  const told = { gate: `size max ${gate.size}`, threshold, n: 1 };
  if (evidence === undefined)
    return { ...told, verdict: 'inconclusive', value: null, reason: 'the size of the model is not known' };
  const value = evidence.artifactBytes;
  if (value <= threshold) return { ...told, verdict: 'pass', value, reason: '' };
  return { ...told, verdict: 'fail', value, reason: `model.onnx has ${value} bytes, more than ${gate.size}` };
}

/** Lines of what the script said last that are shown as the reason. */
const linesShown = 3;

export function commandVerdict(gate: CommandGate, ending: CheckResult | undefined, rows: number): GateVerdict {
  const name = `command ${gate.command.join(' ')}`;
  const told = { gate: name.slice(0, 200), threshold: 0, n: rows };
  if (ending === undefined)
    return { ...told, verdict: 'inconclusive', value: null, reason: `${told.gate} was not run` };
  if (ending.kind === 'stopped')
    return { ...told, verdict: 'fail', value: null, reason: `${told.gate}: ${ending.reason}` };
  const value = ending.exitCode;
  if (value === 0) return { ...told, verdict: 'pass', value, reason: '' };
  const said = ending.lastLines.slice(-linesShown).join(' | ');
  return {
    ...told,
    verdict: 'fail',
    value,
    reason: `${told.gate} ended with ${value}${said === '' ? '' : `: ${said}`}`,
  };
}
