import { describe, expect, test } from 'vitest';
import { featuresCount, weightedDriftOf } from '../../activities/monitoring/arrange-drift.ts';
import { driftInWindow } from '../support/drift-in-window.ts';
import type { DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { labelDelayOf } from '../../activities/monitoring/label-delay.ts';
import { qualityOf } from '../../activities/monitoring/quality-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { trafficOf } from '../../activities/monitoring/traffic-of.ts';
import { driftVerdicts, tellingTooFew } from '../../activities/monitoring/verdicts.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { driftWord } from '../../contracts/monitoring/report.ts';

const byPsi: DriftPolicy = { numeric: 'psi', categorical: 'psi', threshold: 0.2, exclude: [], minFeatures: 1 };
const byKs: DriftPolicy = { ...byPsi, numeric: 'ks', categorical: 'chi2', threshold: 0.05 };
const spread = (rows: number, shift = 0) => Array.from({ length: rows }, (_, row) => row / rows + shift);

function windowOf(current: Readonly<Record<string, readonly Cell[]>>, rows = 2_000) {
  const names = Object.keys(current);
  const reference = {
    schemaVersion: 1 as const,
    features: names.map((name) => referenceOf(name, spread(rows))),
    target: referenceOf('y', spread(rows)),
    prediction: referenceOf('prediction', spread(rows)),
  };
  return { served: { features: current, predictions: [], labels: [] }, reference };
}

const drifted = (results: ReturnType<typeof driftInWindow>) =>
  results.filter((result) => result.drifted).map(({ column }) => column);

describe('every test', () => {
  test.each(['psi', 'ks', 'jensen-shannon', 'wasserstein', 'total-variation'] as const)(
    '%s finds no drift in unchanged values and finds a large change',
    (numeric) => {
      const { served, reference } = windowOf({ same: spread(2_000), moved: spread(2_000, 0.6) });
      const policy: DriftPolicy = { ...byPsi, numeric, threshold: numeric === 'ks' ? 0.01 : 0.2 };
      expect(drifted(driftInWindow(served, reference, policy, null))).toEqual(['moved']);
    },
  );
});

describe('tests with p-values', () => {
  // A shift by a hundredth of the range is certain at this number of rows, but small.
  const { served, reference } = windowOf({ slight: spread(200_000, 0.01), great: spread(200_000, 0.3) }, 200_000);

  test('find a small change too, unless a minimum effect is required', () => {
    expect(drifted(driftInWindow(served, reference, byKs, null))).toEqual(['slight', 'great']);
    expect(drifted(driftInWindow(served, reference, { ...byKs, minEffect: 0.1 }, null))).toEqual(['great']);
  });
  test('require an effect of a tenth with fdr unless the policy says otherwise', () => {
    expect(drifted(driftInWindow(served, reference, { ...byKs, fdr: 0.05 }, null))).toEqual(['great']);
    expect(drifted(driftInWindow(served, reference, { ...byKs, fdr: 0.05, minEffect: 0 }, null))).toHaveLength(2);
  });
  test('are adjusted for the number of features that decide, so that one small p-value among many is no drift', () => {
    const one = {
      odd: spread(200, 0.14),
      ...Object.fromEntries(Array.from({ length: 19 }, (_, at) => [`f${at}`, spread(200)])),
    };
    const { served: many, reference: to } = windowOf(one, 200);
    const [plain] = driftInWindow(many, to, { ...byKs, minEffect: 0 }, null);
    expect(plain).toMatchObject({ column: 'odd', drifted: true });
    const policy = { ...byKs, fdr: 0.05, minEffect: 0 };
    const [adjusted] = driftInWindow(many, to, policy, null);
    expect(adjusted).toMatchObject({ column: 'odd', drifted: false, threshold: 0.05 });
    expect(adjusted!.adjustedPValue).toBeCloseTo(adjusted!.pValue! * 20, 9);
    const others = Array.from({ length: 19 }, (_, at) => `f${at}`);
    expect(drifted(driftInWindow(many, to, { ...policy, exclude: others }, null))).toEqual(['odd']);
  });
});

describe('importance', () => {
  const { served, reference } = windowOf({ light: spread(2_000, 0.6), heavy: spread(2_000) });
  const importance = new Map([
    ['light', 0.1],
    ['heavy', 0.9],
  ]);

  test('features of little importance do not count if the policy requires more', () => {
    const results = driftInWindow(served, reference, byPsi, importance);
    expect(featuresCount(results, byPsi)).toBe(true);
    expect(featuresCount(results, { ...byPsi, minImportance: 0.2 })).toBe(false);
    expect(driftVerdicts(results, { ...byPsi, minImportance: 0.2 }, 200).filter(({ breached }) => breached)).toEqual(
      [],
    );
    expect(featuresCount(results, { ...byPsi, minImportance: 0.05 })).toBe(true);
  });
  test('a required importance is ignored if importance is unknown', () => {
    const results = driftInWindow(served, reference, byPsi, null);
    expect(featuresCount(results, { ...byPsi, minImportance: 0.9 })).toBe(true);
    expect(weightedDriftOf(results)).toBeUndefined();
  });
  test('is the weight of each feature in the overall drift', () => {
    const results = driftInWindow(served, reference, byPsi, importance);
    const light = results.find(({ column }) => column === 'light')!;
    expect(weightedDriftOf(results)).toBeCloseTo((0.1 * light.statistic) / 0.2, 9);
  });
});

describe('columns with few values', () => {
  test('labels, or a mostly missing feature, with few values decide nothing, however large the change', () => {
    const moved = spread(2_000, 0.6);
    const few = moved.map((value, row) => (row % 20 === 0 ? value : null));
    const { served, reference } = windowOf({ full: moved, few });
    const results = driftInWindow({ ...served, labels: few }, reference, byPsi, null);
    expect(drifted(results)).toEqual(['full', 'few', 'y']);
    const subjects = (minRows: number) => driftVerdicts(results, byPsi, minRows).map(({ subject }) => subject);
    expect(subjects(101)).toEqual(['full']);
    expect(subjects(100)).toEqual(['full', 'few', 'target']);
    // They do not count towards `minFeatures` either.
    const [verdict] = driftVerdicts(results, { ...byPsi, minFeatures: 2 }, 101);
    expect(verdict).toMatchObject({ subject: 'full', breached: false });
    // The report does not say that they have drifted either.
    expect(tellingTooFew(results, 101).map(driftWord)).toEqual(['drifted', 'too few', 'too few']);
    expect(tellingTooFew(results, 100).map(driftWord)).toEqual(['drifted', 'drifted', 'drifted']);
  });
});

describe('quality of values', () => {
  const numbers = referenceOf('x', [...spread(95), null, null, null, null, null]);
  const words = referenceOf('w', ['a', 'b', 'a', 'b']);

  test('only missing values beyond the share in the reference count', () => {
    const served = [...spread(80), ...Array.from({ length: 20 }, () => null)];
    expect(qualityOf(numbers, served, { missing: 0.1 })[0]).toMatchObject({ kind: 'missing', breached: true });
    expect(qualityOf(numbers, served, { missing: 0.1 })[0]!.value).toBeCloseTo(0.15, 9);
    expect(qualityOf(numbers, served, { missing: 0.2 })[0]!.breached).toBe(false);
  });
  test('values outside the range and unknown categories are found', () => {
    const [, range] = qualityOf(numbers, [0.5, 2, -1, 0.1], { range: 0.5 });
    expect(range).toMatchObject({ kind: 'range', value: 0.5, breached: true });
    expect(range!.detail).toContain('from -1 to 2');
    const [, added] = qualityOf(words, ['a', 'c', 'a', 'a'], { categories: 0.25 });
    expect(added).toMatchObject({ kind: 'new-category', value: 0.25, breached: true, detail: 'new categories: "c"' });
  });
  test('without a policy only missing values decide, and without rows there is no result', () => {
    expect(qualityOf(words, ['c'], undefined).map(({ threshold, breached }) => [threshold, breached])).toEqual([
      [0.1, false],
      [null, false],
    ]);
    expect(qualityOf(words, [], { missing: 0.1 })).toEqual([]);
  });
});

test('the delay of labels is reported in full, and no labels give no delay', () => {
  const delay = labelDelayOf(Float64Array.of(30_000, 3_600_000, 90_000_000))!;
  expect(delay).toMatchObject({ rows: 3, p50Ms: 3_600_000, maxMs: 90_000_000 });
  expect(delay.histogram.reduce((sum, { rows }) => sum + rows, 0)).toBe(3);
  expect(delay.histogram.find(({ withinMs }) => withinMs === 60_000)).toEqual({ withinMs: 60_000, rows: 1 });
  expect(labelDelayOf(new Float64Array())).toBeNull();
});

test('traffic counts requests since the previous report, and a gateway that lost its counts subtracts nothing', () => {
  const first = trafficOf({ requests: 100, errors: 5, latency: [90, 10] }, undefined);
  expect(first).toMatchObject({ since: null, requests: 100, errors: 5 });
  const before = { effectiveAt: '2012-01-01T00:00:00.000Z', body: { traffic: first } } as Parameters<
    typeof trafficOf
  >[1];
  const second = trafficOf({ requests: 130, errors: 4, latency: [90, 40] }, before);
  expect(second).toMatchObject({ since: '2012-01-01T00:00:00.000Z', requests: 30, errors: 0 });
  expect(second.latency!.p50Ms).toBeGreaterThan(1);
});
