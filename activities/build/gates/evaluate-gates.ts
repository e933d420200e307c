import type { ChampionGate, Gate, SliceGate, ThresholdGate } from '../../../contracts/configuration/gates.ts';
import type { EvaluationBody, GateVerdict } from '../../../contracts/models/evaluation.ts';
import { bootstrapGain, lowerBound } from '../../../statistics/metrics/block-bootstrap.ts';
import type { Bootstrap, Inconclusive } from '../../../statistics/metrics/block-bootstrap.ts';
import { measure, metricsOf, pickRows } from '../../../statistics/metrics/measure.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import { commandVerdict, latencyVerdict, sizeVerdict } from './evidence-gates.ts';
import type { GateEvidence } from './gate-evidence.ts';
import type { MeasuredRows } from '../evaluation/measured-rows.ts';
import { comparisonOf, sliceChangeVerdicts } from './slice-change.ts';
import { slicesBy } from '../evaluation/slices.ts';

/**
 * What each gate says of the challenger, and the whole: a candidate, or rejected with the reasons of the gates that refused it.
 * A slice gate gives one verdict a slice. A slice that is too small, and a champion gate without a champion, decide nothing.
 *
 * @param seed of the resamples of champion gates.
 * @param evidence what gates of latency, size and command ask for; without it they are inconclusive.
 */
export function evaluateGates(
  gates: readonly Gate[],
  rows: MeasuredRows,
  seed: number,
  evidence?: GateEvidence,
): Pick<EvaluationBody, 'gates' | 'verdict' | 'reasons'> {
  const commands = gates.filter((gate) => 'command' in gate);
  const judged = gates.flatMap((gate) =>
    verdictsOf(gate, { rows, seed, evidence, commands }).map((verdict) => ({
      verdict,
      refuses: refuses(gate, verdict),
    })),
  );
  const reasons = judged.filter(({ refuses: refused }) => refused).map(({ verdict }) => verdict.reason);
  return {
    gates: judged.map(({ verdict }) => verdict),
    verdict: reasons.length === 0 ? 'candidate' : 'rejected',
    reasons: [...new Set(reasons)],
  };
}

/** The gain over the champion on the same rows, or why it cannot be told. */
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
      because: `${trainedOn} of the ${rows.challenger.truth.length} rows were trained on by one of the two`,
    };
  }
  return bootstrapGain({ challenger: rows.challenger, champion, blocks: rows.blocks, metric, seed });
}

function refuses(gate: Gate, { verdict }: GateVerdict): boolean {
  if (verdict === 'inconclusive') return !('versus' in gate) || gate.onInconclusive === 'refuse';
  return verdict === 'fail';
}

interface Judging {
  readonly rows: MeasuredRows;
  readonly seed: number;
  readonly evidence: GateEvidence | undefined;
  /** Command gates in their order, as `evidence.commands` has their endings. */
  readonly commands: readonly Gate[];
}

function verdictsOf(gate: Gate, { rows, seed, evidence, commands }: Judging): GateVerdict[] {
  if ('latency' in gate) return [latencyVerdict(gate, evidence)];
  if ('size' in gate) return [sizeVerdict(gate, evidence)];
  if ('command' in gate)
    return [commandVerdict(gate, evidence?.commands[commands.indexOf(gate)], rows.challenger.truth.length)];
  if ('maxLoss' in gate) return sliceChangeVerdicts(gate, rows);
  if ('versus' in gate) return [championVerdict(gate, rows, seed)];
  if ('slice' in gate) return sliceVerdicts(gate, rows);
  return [thresholdVerdict(gate, rows)];
}

function thresholdVerdict(gate: ThresholdGate, { challenger }: MeasuredRows): GateVerdict {
  const name = [gate.metric, ...bounds(gate)].join(' ');
  const n = challenger.truth.length;
  const value = measure(challenger, gate.metric);
  if (Number.isNaN(value)) return { ...undefinedOn(challenger, gate, 'these rows'), gate: name, n };
  const { threshold, breach } = compare(gate, value);
  return {
    gate: name,
    verdict: breach === undefined ? 'pass' : 'fail',
    value,
    threshold,
    n,
    reason: breach === undefined ? '' : `${gate.metric} ${breach.value} is ${breach.bound}`,
  };
}

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

function sliceVerdicts(gate: SliceGate, rows: MeasuredRows): GateVerdict[] {
  return slicesBy(gate.slice, rows).map((slice): GateVerdict => {
    const label = `${slice.column}=${slice.value}`;
    const sample = pickRows(rows.challenger, slice.rows);
    const value = measure(sample, gate.metric);
    const named = { gate: [gate.metric, 'for', label, ...bounds(gate)].join(' '), n: slice.rows.length };
    if (Number.isNaN(value)) {
      const { reason, ...rest } = undefinedOn(sample, gate, label);
      return { ...named, ...rest, verdict: 'not-applicable', reason: `${reason}: reported, decides nothing` };
    }
    const { threshold, breach } = compare(gate, value);
    const told = { ...named, value, threshold };
    if (slice.rows.length < gate.minRows) {
      const reason = `${label} has ${slice.rows.length} rows, fewer than ${gate.minRows}: reported, decides nothing`;
      return { ...told, verdict: 'not-applicable', reason };
    }
    if (breach === undefined) return { ...told, verdict: 'pass', reason: '' };
    return { ...told, verdict: 'fail', reason: `${gate.metric} ${breach.value} for ${label} is ${breach.bound}` };
  });
}

/** A metric that these rows leave undefined, such as an area under the curve where all are of one class. */
function undefinedOn(
  sample: Sample,
  { metric, max, min }: ThresholdGate | SliceGate,
  where: string,
): Pick<GateVerdict, 'verdict' | 'value' | 'threshold' | 'reason'> {
  const metrics = metricsOf(sample);
  const because = metrics.task === 'regression' ? undefined : metrics.undefined[metric];
  return {
    verdict: 'inconclusive',
    value: null,
    threshold: max ?? min ?? null,
    reason: `${metric} is not defined on ${where}: ${because ?? `it is no metric of task ${metrics.task}`}`,
  };
}

interface Bounds {
  readonly max?: number | undefined;
  readonly min?: number | undefined;
}

function bounds({ max, min }: Bounds): string[] {
  return [...(min === undefined ? [] : [`min ${min}`]), ...(max === undefined ? [] : [`max ${max}`])];
}

/** The bound that decides, and in words how the value breaks it. */
function compare(
  { max, min }: Bounds,
  value: number,
): { threshold: number | null; breach: { value: string; bound: string } | undefined } {
  if (max !== undefined && value > max)
    return { threshold: max, breach: { value: apart(value, max), bound: `above ${max}` } };
  if (min !== undefined && value < min)
    return { threshold: min, breach: { value: apart(value, min), bound: `below ${min}` } };
  return { threshold: max ?? min ?? null, breach: undefined };
}

/** Four digits, or as many as it takes to be seen beside the bound. */
function apart(value: number, bound: number): string {
  for (let digits = 4; digits < 17; digits += 1) {
    const text = value.toPrecision(digits);
    const rounded = Number(text);
    if (rounded > bound === value > bound && rounded < bound === value < bound)
      return text.includes('e') ? String(rounded) : text;
  }
  return String(value);
}
