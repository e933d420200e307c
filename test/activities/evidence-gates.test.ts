import { describe, expect, it } from 'vitest';
import { evaluateGates } from '../../activities/build/gates/evaluate-gates.ts';
import type { GateEvidence } from '../../activities/build/gates/gate-evidence.ts';
import type { MeasuredRows } from '../../activities/build/evaluation/measured-rows.ts';
import { Gate } from '../../contracts/configuration/gates.ts';

const truth = Array.from({ length: 120 }, (_, row) => 100 + row);
const hours = truth.map((_, row) => (row < 100 ? 'day' : 'night'));
const off = (by: (row: number) => number) => truth.map((value, row) => value + by(row));
const rows: MeasuredRows = {
  challenger: { task: 'regression', truth, prediction: off((row) => (row < 100 ? 5 : 12)) },
  champion: { task: 'regression', truth, prediction: off(() => 10) },
  blocks: truth.map((_, row) => Math.floor(row / 10)),
  slices: { hours },
  trainedOn: truth.map(() => false),
};
const latency = { calls: 1000, p50Ms: 1, p95Ms: 2, p99Ms: 4.5678, machine: '2 × processor' };
const evidence: GateEvidence = {
  artifactName: 'model.onnx',
  artifactBytes: 2048,
  latency,
  latencyDecides: true,
  commands: [],
};

const judge = (gate: unknown, given: Partial<GateEvidence> = {}, on = rows) =>
  evaluateGates([Gate.parse(gate)], on, 0, { ...evidence, ...given });

describe('the size gate', () => {
  it('accepts a size in words or bytes, and passes at the bound', () => {
    expect(judge({ size: '2KiB' })).toMatchObject({ verdict: 'candidate', gates: [{ value: 2048, threshold: 2048 }] });
    expect(judge({ size: 2047 }).reasons).toEqual(['model.onnx has 2048 bytes, more than 2047']);
  });
});

describe('the latency gate', () => {
  it('decides by the percentile that it names, and names the machine', () => {
    expect(judge({ latency: 'p95', maxMs: 2 }).verdict).toBe('candidate');
    expect(judge({ latency: 'p99', maxMs: 4 }).reasons).toEqual([
      'latency p99 4.568 ms is above 4 ms, on 2 × processor',
    ]);
  });
  it('decides nothing in a rehearsal, but is recorded', () => {
    const { verdict, gates } = judge({ latency: 'p99', maxMs: 4 }, { latencyDecides: false });
    expect(verdict).toBe('candidate');
    expect(gates[0]).toMatchObject({ verdict: 'not-applicable', value: 4.5678, n: 1000 });
  });
  it('refuses a latency that was not measured', () => {
    expect(judge({ latency: 'p99', maxMs: 4 }, { latency: null }).verdict).toBe('rejected');
  });
});

describe('the command gate', () => {
  const gate = { command: ['python', 'gate.py'] };
  it('passes on exit code 0, and otherwise gives the last lines as the reason', () => {
    expect(judge(gate, { commands: [{ kind: 'exited', exitCode: 0, lastLines: ['well'] }] }).verdict).toBe('candidate');
    const lastLines = ['a', 'b', 'groups differ', 'by 7 %'];
    expect(judge(gate, { commands: [{ kind: 'exited', exitCode: 2, lastLines }] }).reasons).toEqual([
      'command python gate.py ended with code 2: b | groups differ | by 7 %',
    ]);
  });
  it('fails if the script was stopped or did not run', () => {
    expect(judge(gate, { commands: [{ kind: 'stopped', reason: 'it ran too long' }] }).reasons).toEqual([
      'command python gate.py: it ran too long',
    ]);
    expect(judge(gate).verdict).toBe('rejected');
  });
  it('finds its own result among several', () => {
    const gates = [Gate.parse({ command: ['a'] }), Gate.parse({ size: 4096 }), Gate.parse({ command: ['b'] })];
    const commands = [0, 5].map((exitCode) => ({ kind: 'exited' as const, exitCode, lastLines: [] }));
    expect(evaluateGates(gates, rows, 0, { ...evidence, commands }).reasons).toEqual(['command b ended with code 5']);
  });
});

describe('the gate on the change of slices', () => {
  const gate = { metric: 'rmse', slice: 'hours', versus: 'champion', maxLoss: 0.1, minRows: 20 };
  it('refuses a version that is better overall and worse on one slice', () => {
    const { verdict, reasons, gates } = judge(gate);
    expect(verdict).toBe('rejected');
    expect(reasons).toEqual(["rmse for hours=night is worse than the champion's by 20.0 %: 10.00 → 12.00"]);
    expect(gates.map(({ gate: name, value }) => [name, value])).toEqual([
      ['rmse for hours=day versus champion, maxLoss 0.1', expect.closeTo(-0.5, 12)],
      ['rmse for hours=night versus champion, maxLoss 0.1', expect.closeTo(0.2, 12)],
    ]);
  });
  it('passes within the tolerated loss, and small slices decide nothing', () => {
    expect(judge({ ...gate, maxLoss: 0.21 }).verdict).toBe('candidate');
    const small = judge({ ...gate, minRows: 21 });
    expect(small.verdict).toBe('candidate');
    expect(small.gates[1]).toMatchObject({ verdict: 'not-applicable', n: 20 });
  });
  it('is inconclusive on rows that either model was trained on, and does not apply without a champion', () => {
    const trainedOn = truth.map((_, row) => row === 110);
    expect(judge(gate, {}, { ...rows, trainedOn }).gates.map(({ verdict }) => verdict)).toEqual([
      'pass',
      'inconclusive',
    ]);
    expect(judge({ ...gate, onInconclusive: 'pass' }, {}, { ...rows, trainedOn }).verdict).toBe('candidate');
    expect(judge(gate, {}, { ...rows, champion: null }).verdict).toBe('candidate');
  });
});
