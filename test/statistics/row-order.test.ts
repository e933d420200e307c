import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf } from '../../statistics/metrics/block-metric.ts';
import { binaryMetric } from '../../statistics/metrics/binary-metrics.ts';
import { resampledMetric } from '../../statistics/metrics/measure.ts';
import { ascending, descending } from '../../statistics/metrics/row-order.ts';
import type { BinarySample } from '../../statistics/metrics/sample.ts';
import { seededUniform } from '../../statistics/probability/seeded-random.ts';

test('many rows are ordered as by comparison, and equal values keep their order', () => {
  const value = fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: -3, max: 3 }), fc.constantFrom(-0, 0, 0.5));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 50 }), (some) => {
      const values = Float64Array.from({ length: 3_000 }, (_, row) => some[(row * 7) % some.length]!);
      const rows = Array.from(values.keys());
      // The difference of two infinities of one sign is no number.
      const compare = (a: number, b: number) => (values[a] === values[b] ? 0 : values[a]! - values[b]!);
      expect([...ascending(values)]).toEqual(rows.toSorted(compare));
      expect([...descending(values)]).toEqual(rows.toSorted((a, b) => compare(b, a)));
    }),
    { numRuns: 50 },
  );
});

test('resamples measured by sums of blocks and by ranks equal those measured row by row', () => {
  const random = seededUniform(5);
  const rows = 4_000;
  const probability = Float64Array.from({ length: rows }, () => Math.round(random() * 500) / 500);
  const sample: BinarySample = {
    task: 'binary',
    truth: Uint8Array.from(probability, (share) => (random() < share ? 1 : 0)),
    probability,
    decision: Uint8Array.from(probability, (share) => (share >= 0.4 ? 1 : 0)),
    positive: 'yes',
    threshold: 0.4,
  };
  const ids = Int32Array.from({ length: rows }, (_, row) => 700 + Math.floor(((row * 13) % rows) / 100));
  const blocks = blocksOf(ids);
  expect(blocks).toEqual(blocksOf([...ids]));
  const drawn = Uint32Array.from({ length: blocks.count }, () => Math.floor(random() * 3));
  const weights = Array.from(blocks.ofRow, (block) => drawn[block]!);
  for (const metric of ['rocAuc', 'averagePrecision', 'logLoss', 'brier', 'accuracy', 'f1', 'mcc', 'ece'] as const)
    expect(resampledMetric(sample, metric, blocks)(drawn), metric).toBeCloseTo(
      binaryMetric(sample, metric)(weights),
      12,
    );
});
