import { z } from 'zod';
import { Duration } from '../time/duration.ts';
import { MetricName } from '../models/metrics.ts';
import { optionsOf, registeredNames } from '../registered-names.ts';
import { ColumnName } from './column-name.ts';
import { ByteSize } from './byte-size-setting.ts';

/** A confidence level, of a one-sided bound or of a two-sided interval. */
export const Confidence = z.number().min(0.5).lt(1);

const ThresholdGate = z.strictObject({
  metric: MetricName.describe('Measured on the whole holdout'),
  max: z.number().optional().describe('It fails above'),
  min: z.number().optional().describe('It fails below'),
});
const ChampionGate = z.strictObject({
  metric: MetricName.describe('Measured of both on the same rows'),
  versus: z.literal('champion').describe('Compares with what serves; passes as not applicable where nothing does'),
  minGain: z
    .number()
    .default(0)
    .describe('The lower bound of the relative gain must exceed it; a negative one tolerates a loss'),
  confidence: Confidence.default(0.9).describe(
    'Of that one-sided bound, by paired block bootstrap; at 0.5 it is the point estimate',
  ),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe('With fewer than 10 blocks, rows that either was trained on, or rows that the champion has no answer to'),
});
const SliceGate = z.strictObject({
  metric: MetricName.describe('Measured on the rows of each slice'),
  slice: ColumnName.describe('One verdict for each value of this column'),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer is reported and decides nothing'),
  max: z.number().optional().describe('It fails above'),
  min: z.number().optional().describe('It fails below'),
});
const SliceChangeGate = z.strictObject({
  metric: MetricName.describe('Measured of both on the rows of each slice'),
  slice: ColumnName.describe('One verdict for each value of this column'),
  versus: z.literal('champion').describe('Compares with what serves; passes as not applicable where nothing does'),
  maxLoss: z
    .number()
    .min(0)
    .default(0)
    .describe('It fails where a slice is worse than the champion by a greater share; 0.05 tolerates a loss of 5 %'),
  minRows: z.number().int().min(1).default(50).describe('A slice with fewer is reported and decides nothing'),
  onInconclusive: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe('With rows that either was trained on, or that the champion has no answer to'),
});
const LatencyGate = z.strictObject({
  latency: z
    .enum(['p50', 'p95', 'p99'])
    .describe('Of calls of one row of the holdout, by the model runtime in a process of its own'),
  maxMs: z.number().gt(0).describe('It fails above, in milliseconds. Decides nothing in a rehearsal'),
});
const SizeGate = z.strictObject({
  size: z
    .union([ByteSize, z.number().int().min(1)])
    .describe('It fails where the model is larger: a size such as 20MiB, or a number of bytes'),
});
const CommandGate = z.strictObject({
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(100)
    .describe(
      'Run in the code folder, sandboxed as training is, with the model and its answers as files; exit 0 passes',
    ),
  timeout: Duration.default('10m').describe('It fails when it runs longer'),
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
  if (kind === undefined) throw new TypeError(`a gate of no kind: ${JSON.stringify(gate)}`);
  return kind;
}

/** Returns whether a gate has the bounds `min` and `max`. At least one of them must be set. */
export function hasBounds(gate: Gate): gate is Gate & { readonly min?: number; readonly max?: number } {
  const { shape } = gates[gateKindOf(gate)];
  return 'min' in shape && 'max' in shape;
}
