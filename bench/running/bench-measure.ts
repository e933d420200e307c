import { z } from 'zod';
import type { BenchContext } from './bench-context.ts';

/** What one contestant did in one round. `value` is in the unit of the comparison. */
export const RoundSample = z.object({
  value: z.number(),
  p50Ms: z.number().optional(),
  p99Ms: z.number().optional(),
  /** CPU time of the contestant's process per request, in microseconds. */
  cpuUs: z.number().optional(),
});
export type RoundSample = z.infer<typeof RoundSample>;

/** What a ratio has to be. `atMost` is for ratios of which less is better. */
export const RatioTarget = z.object({ must: z.number(), aim: z.number().optional(), atMost: z.boolean().optional() });
export type RatioTarget = z.infer<typeof RatioTarget>;

const Ratio = z.object({
  name: z.string(),
  median: z.number(),
  min: z.number(),
  max: z.number(),
  target: RatioTarget.optional(),
});
export type Ratio = z.infer<typeof Ratio>;

/** Contestants that did the same work in alternating rounds. */
export const Comparison = z.object({
  name: z.string(),
  unit: z.string(),
  /** True where a greater value is better. */
  moreIsBetter: z.boolean(),
  samples: z.record(z.string(), z.array(RoundSample)),
  ratios: z.array(Ratio),
});
export type Comparison = z.infer<typeof Comparison>;

/** A single quantity, such as a number of failed requests. */
export const Figure = z.object({
  name: z.string(),
  value: z.number(),
  unit: z.string(),
  target: RatioTarget.optional(),
});
export type Figure = z.infer<typeof Figure>;

export const MeasureOutcome = z.object({
  comparisons: z.array(Comparison),
  figures: z.array(Figure),
  /** Peers that could not be measured, each with the reason. */
  absent: z.array(z.object({ name: z.string(), reason: z.string() })),
  /** Versions of what was measured, beyond those of the machine. */
  versions: z.record(z.string(), z.string()),
  notes: z.array(z.string()),
});
export type MeasureOutcome = z.infer<typeof MeasureOutcome>;

export interface BenchMeasure {
  readonly name: string;
  /** What is measured beside what, in one sentence. */
  readonly summary: string;
  /** How long the full form takes, such as `4 min`. */
  readonly takes: string;
  /** Whether it is part of the short form, and so of every check. */
  readonly inShortForm: boolean;
  run(bench: BenchContext): Promise<MeasureOutcome>;
}
