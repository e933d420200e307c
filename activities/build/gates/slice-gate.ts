import type { SliceGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { measure, pickRows } from '../../../statistics/metrics/measure.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { slicesBy } from '../evaluation/slices.ts';
import type { GateJudge } from './gate-judge.ts';
import { boundsInWords, compareWithBounds, undefinedOn } from './metric-bounds.ts';

/** Returns one verdict per slice. A slice with too few rows does not decide. */
export const sliceGate: GateJudge<'slice'> = {
  verdicts: (gate, { rows }) => sliceVerdicts(gate, rows),
};

function sliceVerdicts(gate: SliceGate, rows: MeasuredRows): GateVerdict[] {
  return slicesBy(gate.slice, rows).map((slice): GateVerdict => {
    const label = `${slice.column}=${slice.value}`;
    const sample = pickRows(rows.challenger, slice.rows);
    const value = measure(sample, gate.metric);
    const named = { gate: [gate.metric, 'for', label, ...boundsInWords(gate)].join(' '), n: slice.rows.length };
    if (Number.isNaN(value)) {
      const { reason, ...rest } = undefinedOn(sample, gate, label);
      return { ...named, ...rest, verdict: 'not-applicable', reason: `${reason}: reported, decides nothing` };
    }
    const { threshold, breach } = compareWithBounds(gate, value);
    const told = { ...named, value, threshold };
    if (slice.rows.length < gate.minRows) {
      const reason = `${label} has ${slice.rows.length} rows, fewer than ${gate.minRows}: reported, decides nothing`;
      return { ...told, verdict: 'not-applicable', reason };
    }
    if (breach === undefined) return { ...told, verdict: 'pass', reason: '' };
    return { ...told, verdict: 'fail', reason: `${gate.metric} ${breach.value} for ${label} is ${breach.bound}` };
  });
}
