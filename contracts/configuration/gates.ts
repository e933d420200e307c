import { z } from 'zod';
import { Duration } from '../time/duration.ts';
import { MetricName } from '../models/metrics.ts';
import { optionsOf, registeredNames } from '../registered-names.ts';
import { ColumnName } from './column-name.ts';
import { ByteSize } from './byte-size-setting.ts';

/** A confidence level, of a one-sided bound or of a two-sided interval. */
export const Confidence = z.number().min(0.5).lt(1);

const ThresholdGate = z.strictObject({
  metric: MetricName.describe('The metric, measured on the whole holdout'),
  max: z.number().optional().describe('The gate fails above this value'),
  min: z.number().optional().describe('The gate fails below this value'),
});
const ChampionGate = z.strictObject({
  metric: MetricName.describe('The metric, measured for the version and for the champion on the same rows'),
  versus: z
    .literal('champion')
    .describe('Compares the version with the champion; if nothing serves, the gate is not applicable and passes'),
  minGain: z
    .number()
    .default(0)
    .describe('The lower bound of the relative gain must exceed this value; a negative value tolerates a loss'),
  confidence: Confidence.default(0.9).describe(
    'Confidence level of the one-sided lower bound that is compared with minGain. Paired block bootstrap computes the bound; at 0.5 it is the point estimate',
  ),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe(
      'The verdict if there are fewer than 10 blocks, or if the rows include some that the version or the champion was trained on, or that the champion cannot answer',
    ),
});
const SliceGate = z.strictObject({
  metric: MetricName.describe('The metric, measured on the rows of each slice'),
  slice: ColumnName.describe('The column whose values form the slices; each value has its own verdict'),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer rows is reported and decides nothing'),
  max: z.number().optional().describe('The gate fails above this value'),
  min: z.number().optional().describe('The gate fails below this value'),
});
const SliceChangeGate = z.strictObject({
  metric: MetricName.describe('The metric, measured for the version and for the champion on the rows of each slice'),
  slice: ColumnName.describe('The column whose values form the slices; each value has its own verdict'),
  versus: z
    .literal('champion')
    .describe('Compares the version with the champion; if nothing serves, the gate is not applicable and passes'),
  maxLoss: z
    .number()
    .min(0)
    .default(0)
    .describe(
      'The gate fails if the version is worse than the champion on a slice by more than this share; 0.05 tolerates a loss of 5 %',
    ),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer rows is reported and decides nothing'),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe(
      'The verdict if the rows include some that the version or the champion was trained on, or that the champion cannot answer',
    ),
});
const LatencyGate = z.strictObject({
  latency: z
    .enum(['p50', 'p95', 'p99'])
    .describe(
      'The percentile of the latency of calls with one holdout row, measured in the model runtime in a process of its own',
    ),
  maxMs: z
    .number()
    .gt(0)
    .describe('The gate fails above this latency, in milliseconds. In a rehearsal it decides nothing'),
});
const SizeGate = z.strictObject({
  size: z
    .union([ByteSize, z.number().int().min(1)])
    .describe('The gate fails if the model is larger than this: a size such as 20MiB, or a number of bytes'),
});
const CommandGate = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .describe(
      'A command that runs in the code folder, in the same sandbox as training, with the model and its answers as files; the gate passes if the exit code is 0',
    ),
  timeout: Duration.default('10m').describe('The gate fails if the command runs longer'),
});

/**
 * The kinds of gates. A gate's keys determine its kind: every schema is strict, so no gate matches two kinds.
 * `activities/build/gates/` evaluates each kind, in a file such as `size-gate.ts`.
 */
export const gates = {
  'slice-change': SliceChangeGate,
  champion: ChampionGate,
  slice: SliceGate,
  threshold: ThresholdGate,
  latency: LatencyGate,
  size: SizeGate,
  command: CommandGate,
};
export type GateKind = keyof typeof gates;
export type GateOf<Kind extends GateKind> = z.infer<(typeof gates)[Kind]>;

export const Gate = z.union(optionsOf(gates));
export type Gate = z.infer<typeof Gate>;
export type ThresholdGate = GateOf<'threshold'>;
export type ChampionGate = GateOf<'champion'>;
export type SliceGate = GateOf<'slice'>;
export type SliceChangeGate = GateOf<'slice-change'>;
export type LatencyGate = GateOf<'latency'>;
export type SizeGate = GateOf<'size'>;
export type CommandGate = GateOf<'command'>;

const kinds = registeredNames(gates);

export function gateKindOf(gate: Gate): GateKind {
  const kind = kinds.find((name) => gates[name].safeParse(gate).success);
  if (kind === undefined) throw new TypeError(`the kind of the gate is unknown: ${JSON.stringify(gate)}`);
  return kind;
}

/** Returns whether a gate has the bounds `min` and `max`. At least one of them must be set. */
export function hasBounds(gate: Gate): gate is Gate & { readonly min?: number; readonly max?: number } {
  const { shape } = gates[gateKindOf(gate)];
  return 'min' in shape && 'max' in shape;
}
