import { blocksOf } from './block-metric.ts';
import type { MeasuredMetric } from './measure.ts';
import { measure, resampledMetric } from './measure.ts';
import { quantile } from '../probability/quantile.ts';
import type { BetterWhen } from './relative-gain.ts';
import { relativeGain } from './relative-gain.ts';
import type { Sample } from './sample.ts';
import { seededRandom } from '../probability/seeded-random.ts';

/** Minimum number of blocks. With fewer, too many resamples are equal for their spread to be meaningful. */
const fewestBlocks = 10;
const resamples = 1000;

export interface Bootstrap {
  readonly kind: 'estimate';
  /** Value on the original rows. */
  readonly point: number;
  /** Values on 1,000 resamples, in ascending order. */
  readonly resampled: Float64Array;
}

export interface Inconclusive {
  readonly kind: 'inconclusive';
  /** Reason in plain words, to follow a colon. */
  readonly because: string;
}

interface Measured {
  readonly metric: MeasuredMetric;
  /** Block of each row. Rows that depend on each other, such as the hours of a day, share a block. */
  readonly blocks: ArrayLike<string | number>;
  /** Integer seed. The same seed gives the same resamples. */
  readonly seed: number;
}

/**
 * Estimates by a block bootstrap how much a metric varies from sample to sample: whole blocks are drawn with
 * replacement, as many as there are, and the metric is computed on all rows of each draw. With fewer than 10 blocks,
 * the result is inconclusive.
 *
 * Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), 8.6; Davison and Hinkley (1997), 8.2.3.
 */
export function bootstrapMetric({
  sample,
  ...input
}: Measured & { readonly sample: Sample }): Bootstrap | Inconclusive {
  const blocks = blocksOf(input.blocks);
  const point = measure(sample, input.metric);
  const estimate = resample(point, blocks.count, input.seed, resampledMetric(sample, input.metric, blocks));
  return estimate.kind === 'inconclusive' || isDefined(estimate) ? estimate : undefinedSomewhere(input.metric);
}

/**
 * Estimates by a block bootstrap how much a challenger's relative gain over a champion varies from sample to sample.
 * Both are measured on the same rows of each draw, so that the effect of rows that are hard for both cancels out.
 */
export function bootstrapGain(
  input: Measured & { readonly better: BetterWhen; readonly challenger: Sample; readonly champion: Sample },
): Bootstrap | Inconclusive {
  const { metric, better, seed } = input;
  const blocks = blocksOf(input.blocks);
  const challenger = resampledMetric(input.challenger, metric, blocks);
  const champion = resampledMetric(input.champion, metric, blocks);
  const points = [measure(input.challenger, metric), measure(input.champion, metric)] as const;
  const estimate = resample(relativeGain(better, ...points), blocks.count, seed, (drawn) =>
    relativeGain(better, challenger(drawn), champion(drawn)),
  );
  if (estimate.kind === 'inconclusive' || isDefined(estimate)) return estimate;
  if (points.some(Number.isNaN) || estimate.resampled.some(Number.isNaN)) return undefinedSomewhere(metric);
  return { kind: 'inconclusive', because: `the champion's ${metric} is 0, so the relative gain is not defined` };
}

function isDefined({ point, resampled }: Bootstrap): boolean {
  return Number.isFinite(point) && resampled.every(Number.isFinite);
}

/**
 * Returns the result for a metric that is undefined on a resample, for example the area under the curve of a draw
 * without rows of one class.
 */
function undefinedSomewhere(metric: MeasuredMetric): Inconclusive {
  return { kind: 'inconclusive', because: `${metric} is not defined on some of the resamples` };
}

function resample(
  point: number,
  blocks: number,
  seed: number,
  measureDrawn: (drawn: Uint32Array) => number,
): Bootstrap | Inconclusive {
  if (blocks < fewestBlocks)
    return { kind: 'inconclusive', because: `the rows form ${blocks} blocks, but at least ${fewestBlocks} are needed` };
  const random = seededRandom(seed);
  const drawn = new Uint32Array(blocks);
  const resampled = new Float64Array(resamples);
  for (let i = 0; i < resamples; i += 1) {
    drawn.fill(0);
    for (let draw = 0; draw < blocks; draw += 1) {
      const block = random(blocks);
      drawn[block] = (drawn[block] ?? 0) + 1;
    }
    resampled[i] = measureDrawn(drawn);
  }
  return { kind: 'estimate', point, resampled: resampled.toSorted() };
}

/** Returns the percentile interval that excludes the same share at both ends. */
export function percentileInterval(
  { resampled }: Bootstrap,
  confidence: number,
): { confidence: number; low: number; high: number } {
  const outside = (1 - confidence) / 2;
  return { confidence, low: quantile(resampled, outside), high: quantile(resampled, 1 - outside) };
}

/**
 * Returns the one-sided lower percentile bound. At confidence 0.5, it is the point estimate, i.e. the value on the
 * original rows.
 */
export function lowerBound({ point, resampled }: Bootstrap, confidence: number): number {
  return confidence === 0.5 ? point : quantile(resampled, 1 - confidence);
}
