import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { betterWhen } from '../../contracts/models/metrics.ts';
import { blocksOf } from '../../statistics/metrics/block-metric.ts';
import * as bootstrap from '../../statistics/metrics/block-bootstrap.ts';
import { lowerBound, percentileInterval } from '../../statistics/metrics/block-bootstrap.ts';
import type { Bootstrap, Inconclusive } from '../../statistics/metrics/block-bootstrap.ts';
import type { MeasuredMetric } from '../../statistics/metrics/measure.ts';
import { resampledMetric } from '../../statistics/metrics/measure.ts';
import { regressionMetrics } from '../../statistics/metrics/regression-metrics.ts';
import { relativeGain } from '../../statistics/metrics/relative-gain.ts';
import { seededRandom } from '../../statistics/probability/seeded-random.ts';

const metrics = ['rmse', 'mae', 'r2', 'mape', 'medianAbsoluteError', 'pinball'] as const;

interface Rows {
  readonly metric: MeasuredMetric;
  readonly truth: number[];
  readonly blocks: (string | number)[];
  readonly seed: number;
}

function bootstrapMetric({ truth, prediction, ...rest }: Rows & { readonly prediction: number[] }) {
  return bootstrap.bootstrapMetric({ ...rest, sample: { task: 'regression', truth, prediction } });
}

function bootstrapGain({
  truth,
  challenger,
  champion,
  ...rest
}: Rows & { readonly challenger: number[]; readonly champion: number[] }) {
  const sample = (prediction: number[]) => ({ task: 'regression', truth, prediction }) as const;
  return bootstrap.bootstrapGain({
    ...rest,
    better: betterWhen(rest.metric),
    challenger: sample(challenger),
    champion: sample(champion),
  });
}

function estimate(result: Bootstrap | Inconclusive): Bootstrap {
  if (result.kind === 'inconclusive') throw new Error(result.because);
  return result;
}

/**
 * Returns fourteen days of hourly values: demand with a daily shape, and predictions with random errors proportional to
 * `error`.
 */
function fortnight(seed: number, error: number, days = 14) {
  const random = seededRandom(seed);
  const draw = () => random(1_000_000) / 1_000_000 - 0.5;
  const blocks: number[] = [];
  const truth: number[] = [];
  const prediction: number[] = [];
  for (let day = 0; day < days; day += 1) {
    const level = 40 * draw();
    for (let hour = 0; hour < 24; hour += 1) {
      blocks.push(day);
      const demand = 150 + 100 * Math.sin((hour / 24) * 2 * Math.PI) + level;
      truth.push(demand);
      prediction.push(demand + error * (draw() + level / 40));
    }
  }
  return { blocks, truth, prediction };
}

describe('a metric by blocks', () => {
  it.each(metrics)('%s of any resample equals that of its rows written out', (metric) => {
    const row = fc.record({
      block: fc.integer({ min: 0, max: 5 }),
      truth: fc.integer({ min: -50, max: 50 }),
      prediction: fc.integer({ min: -50, max: 50 }),
    });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 40 }),
        fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }),
        (rows, draws) => {
          const blocks = blocksOf(rows.map(({ block }) => block));
          const drawn = Uint32Array.from(draws.slice(0, blocks.count));
          const written = rows.flatMap((each, i) => Array.from({ length: drawn[blocks.ofRow[i]!]! }, () => each));
          fc.pre(written.length > 0);
          const truth = written.map((each) => each.truth);
          // A constant truth has a definition of its own for r2, which rounding errors must not select.
          fc.pre(metric !== 'r2' || new Set(truth).size > 1);
          const expected = regressionMetrics(
            truth,
            written.map((each) => each.prediction),
          )[metric];
          const sample = {
            task: 'regression' as const,
            truth: rows.map((each) => each.truth),
            prediction: rows.map((each) => each.prediction),
          };
          const actual = resampledMetric(sample, metric, blocks)(drawn);
          expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(expected)));
        },
      ),
    );
  });
});

describe('block bootstrap', () => {
  it('gives the same resamples for the same seed and others for another seed, and the point estimate of the rows', () => {
    const { blocks, truth, prediction } = fortnight(1, 30);
    const of = (seed: number) => estimate(bootstrapMetric({ metric: 'rmse', truth, prediction, blocks, seed }));
    expect(of(7)).toEqual(of(7));
    expect(of(7).resampled).not.toEqual(of(8).resampled);
    expect(of(7).point).toBe(regressionMetrics(truth, prediction).rmse);
    expect(of(7).resampled).toHaveLength(1000);
  });

  it('draws whole blocks, so that rows that share a block make the interval wider than independent rows', () => {
    const { blocks, truth, prediction } = fortnight(2, 30);
    const width = (ids: (string | number)[]) => {
      const { low, high } = percentileInterval(
        estimate(bootstrapMetric({ metric: 'rmse', truth, prediction, blocks: ids, seed: 0 })),
        0.9,
      );
      return high - low;
    };
    expect(width(blocks)).toBeGreaterThan(1.5 * width(blocks.map((_, row) => row)));
  });

  it('gives intervals that contain the truth in about nine of ten of 200 simulations', () => {
    const expected = Math.sqrt(30 ** 2 / 12 + 30 ** 2 / 12);
    let contained = 0;
    for (let world = 0; world < 200; world += 1) {
      const { blocks, truth, prediction } = fortnight(1000 + world, 30, 40);
      const { low, high } = percentileInterval(
        estimate(bootstrapMetric({ metric: 'rmse', truth, prediction, blocks, seed: 0 })),
        0.9,
      );
      if (low <= expected && expected <= high) contained += 1;
    }
    expect(contained / 200).toBeGreaterThan(0.8);
    expect(contained / 200).toBeLessThan(0.97);
  });

  it('gives a bound above 0 for a clear gain, below 0 for a clear loss, and exactly 0 for equal models', () => {
    const { blocks, truth, prediction: good } = fortnight(3, 10);
    const { prediction: poor } = fortnight(3, 40);
    const gain = (challenger: number[], champion: number[]) =>
      estimate(bootstrapGain({ metric: 'rmse', truth, challenger, champion, blocks, seed: 0 }));
    expect(lowerBound(gain(good, poor), 0.95)).toBeGreaterThan(0.5);
    expect(lowerBound(gain(poor, good), 0.95)).toBeLessThan(-1);
    expect(lowerBound(gain(good, good), 0.95)).toBe(0);
    expect(gain(good, poor).point).toBe(
      relativeGain('small', regressionMetrics(truth, good).rmse, regressionMetrics(truth, poor).rmse),
    );
  });

  it('gives a lower bound for higher confidence, and at 0.5 the point estimate', () => {
    const { blocks, truth, prediction: challenger } = fortnight(4, 28);
    const { prediction: champion } = fortnight(5, 30);
    const gain = estimate(bootstrapGain({ metric: 'mae', truth, challenger, champion, blocks, seed: 0 }));
    expect(lowerBound(gain, 0.5)).toBe(gain.point);
    expect(lowerBound(gain, 0.99)).toBeLessThan(lowerBound(gain, 0.9));
    expect(lowerBound(gain, 0.9)).toBeLessThan(lowerBound(gain, 0.6));
    expect(lowerBound(gain, 0.95)).toBe(percentileInterval(gain, 0.9).low);
  });

  it('measures both models on each resample, so that a day that is hard for both widens nothing', () => {
    const { blocks, truth, prediction: champion } = fortnight(6, 60);
    const challenger = champion.map((value, row) => truth[row]! + 0.9 * (value - truth[row]!));
    const { low, high } = percentileInterval(
      estimate(bootstrapGain({ metric: 'rmse', truth, challenger, champion, blocks, seed: 0 })),
      0.9,
    );
    expect(low).toBeCloseTo(0.1, 9);
    expect(high).toBeCloseTo(0.1, 9);
  });

  it('is inconclusive with nine blocks, and not with ten', () => {
    const of = (days: number) => {
      const { blocks, truth, prediction } = fortnight(7, 20, days);
      return bootstrapMetric({ metric: 'rmse', truth, prediction, blocks, seed: 0 });
    };
    expect(of(9)).toMatchObject({
      kind: 'inconclusive',
      because: 'the rows form 9 blocks, but at least 10 are needed',
    });
    expect(of(10).kind).toBe('estimate');
  });

  it('is inconclusive for a gain over a champion without error, unless there is no gain', () => {
    const { blocks, truth, prediction } = fortnight(8, 20);
    expect(
      bootstrapGain({ metric: 'rmse', truth, challenger: prediction, champion: truth, blocks, seed: 0 }).kind,
    ).toBe('inconclusive');
    expect(
      estimate(bootstrapGain({ metric: 'rmse', truth, challenger: truth, champion: truth, blocks, seed: 0 })).point,
    ).toBe(0);
  });

  it('counts a growing r2 as a gain', () => {
    expect(relativeGain('large', 0.9, 0.8)).toBeCloseTo(0.125, 12);
    expect(relativeGain('large', -0.5, -1)).toBe(0.5);
    expect(relativeGain('small', 90, 100)).toBeCloseTo(0.1, 12);
  });

  it.each(metrics)('takes well under 200 ms for a thousand resamples of a fortnight of hours for %s', (metric) => {
    const { blocks, truth, prediction } = fortnight(9, 20);
    const started = performance.now();
    bootstrapGain({
      metric,
      truth,
      challenger: prediction,
      champion: prediction.map((value) => value + 1),
      blocks,
      seed: 0,
    });
    expect(performance.now() - started).toBeLessThan(200);
  });
});
