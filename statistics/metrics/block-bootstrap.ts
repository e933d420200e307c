import { blocksOf } from './block-metric.ts';
import type { MeasuredMetric } from './measure.ts';
import { measure, resampledMetric } from './measure.ts';
import { quantile } from '../probability/quantile.ts';
import type { BetterWhen } from './relative-gain.ts';
import { relativeGain } from './relative-gain.ts';
import type { Sample } from './sample.ts';
import { seededRandom } from '../probability/seeded-random.ts';

/** With fewer, resamples repeat each other too often for their spread to mean anything. */
const fewestBlocks = 10;
const resamples = 1000;

export interface Bootstrap {
  readonly kind: 'estimate';
  /** Of the rows as they are. */
  readonly point: number;
  /** Of each of 1000 resamples, ascending. */
  readonly resampled: Float64Array;
}

export interface Inconclusive {
  readonly kind: 'inconclusive';
  /** In plain words, to stand after a colon. */
  readonly because: string;
}

interface Measured {
  readonly metric: MeasuredMetric;
  /** The block of each row: rows that depend on each other, such as the hours of a day, share one. */
  readonly blocks: readonly (string | number)[];
  /** An integer; the same one gives the same resamples. */
  readonly seed: number;
}

/**
 * How much a metric would vary had other blocks been seen: whole blocks are drawn with replacement, as many as there are, and the
 * metric is taken of all rows of each draw. Fewer than 10 blocks are inconclusive.
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
 * The same for the relative gain of a challenger over a champion on the same rows. Both are measured on each draw, so that what makes
 * rows hard for both cancels out.
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
  return { kind: 'inconclusive', because: `the champion's ${metric} is 0, of which nothing is a share` };
}

function isDefined({ point, resampled }: Bootstrap): boolean {
  return Number.isFinite(point) && resampled.every(Number.isFinite);
}

/** E.g. an area under the curve, once a draw has no row of one class. */
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
    return { kind: 'inconclusive', because: `the rows fall into ${blocks} blocks, and it takes ${fewestBlocks}` };
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

/** The percentile interval that leaves the same share out at either end. */
export function percentileInterval(
  { resampled }: Bootstrap,
  confidence: number,
): { confidence: number; low: number; high: number } {
  const outside = (1 - confidence) / 2;
  return { confidence, low: quantile(resampled, outside), high: quantile(resampled, 1 - outside) };
}

/** The one-sided lower percentile bound. At confidence 0.5 it is the point estimate: nothing but the rows as they are. */
export function lowerBound({ point, resampled }: Bootstrap, confidence: number): number {
  return confidence === 0.5 ? point : quantile(resampled, 1 - confidence);
}
