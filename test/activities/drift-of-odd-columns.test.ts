import { describe, expect, test } from 'vitest';
import { driftInWindow } from '../support/drift-in-window.ts';
import type { DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { qualityOf } from '../../activities/monitoring/quality-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { declaredCategories, withCurrentKinds } from '../../activities/measurement/reference-kinds.ts';
import { driftVerdicts } from '../../activities/monitoring/verdicts.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference, MonitoringReference } from '../../contracts/models/model-version.ts';
import type { TensorType } from '../../contracts/models/signature.ts';
import { DriftResult } from '../../contracts/monitoring/report.ts';
import { seededRandom } from '../../statistics/probability/seeded-random.ts';

const policy: DriftPolicy = { numeric: 'psi', categorical: 'psi', threshold: 0.2, exclude: [], minFeatures: 1 };
const rows = <Value>(count: number, of: (row: number) => Value): Value[] =>
  Array.from({ length: count }, (_, row) => of(row));
const drift = (before: readonly Cell[], now: readonly Cell[], changed: Partial<DriftPolicy> = {}, declared = false) => {
  const reference = referenceOf('x', before, declared ? 'categorical' : undefined);
  const result = driftOf(reference, now, 'feature', { ...policy, ...changed }, { category: declared })!;
  return DriftResult.parse(result);
};

describe('a feature with many equal values', () => {
  const amounts = (count: number, zeros: number, times = 1) =>
    rows(count, (row) => (row < zeros * count ? 0 : (((row * 37) % 97) + 1.5) * times));

  test('has drifted if the equal values become fewer, or if the other values grow', () => {
    const before = amounts(8_000, 0.95);
    expect(drift(before, amounts(1_000, 0.95))).toMatchObject({ drifted: false });
    for (const now of [amounts(1_000, 0.5), amounts(1_000, 0.95, 100)]) {
      const { statistic, critical, drifted } = drift(before, now);
      expect(drifted).toBe(true);
      expect(statistic).toBeGreaterThan(Math.max(0.2, critical!));
    }
  });
  test('has one bin below its value, one for it and one above it if it is constant', () => {
    const constant = rows(500, () => 3.25);
    for (const other of [3.5, 3, -1e308, 1e308, Infinity, -Infinity])
      expect(
        drift(
          constant,
          rows(300, () => other),
        ),
        String(other),
      ).toMatchObject({ drifted: true });
    const { distribution, statistic } = drift(constant, [...constant, 4]);
    expect(distribution).toEqual({
      edges: [3.25, 3.25],
      categories: null,
      reference: [0, 500, 0],
      current: [0, 500, 1],
    });
    expect(statistic).toBeLessThan(0.02);
  });
  test('is unchanged if a client that computes in 32 bits sends it', () => {
    const before = rows(600, (row) => (row % 2 === 0 ? 0.1 : 0.3 + row / 1_000));
    const now = before.map((value) => Math.fround(value));
    expect(Math.fround(0.1)).not.toBe(0.1);
    expect(drift(before, now).statistic).toBeLessThan(0.01);
    expect(drift(now, before).statistic).toBeLessThan(0.01);
  });
});

describe('whole numbers', () => {
  const days = (most: number, count: number) => rows(count, (row) => 1 + (row % most));

  test('that go slightly beyond the reference are no drift, unless they are declared categories', () => {
    const [before, now] = [days(25, 3_000), days(28, 896)];
    const undeclared = drift(before, now);
    expect(undeclared).toMatchObject({ drifted: false });
    expect(undeclared.distribution!.categories).toContain('from 24');
    expect(drift(before, now, {}, true)).toMatchObject({ drifted: true });
  });
  test('are codes if there are few of them, and a new code is drift', () => {
    for (const [known, then] of [
      [[1, 2, 3, 4, 5], 6],
      [[0], 1],
      [[0], -1],
      [[0, 1], 2],
      [[1, 2, 3], 2.5],
    ] as const) {
      const before = rows(2_000, (row) => known[row % known.length]!);
      const now = before.map((value, row) => (row % 8 === 0 ? then : value));
      expect(drift(before, now), `${then} after ${known.join()}`).toMatchObject({ drifted: true });
      expect(drift(before, before)).toMatchObject({ drifted: false, statistic: 0 });
    }
  });
  test('the numbers 5 and 5.0 are one category, and another number is another category', () => {
    const before = rows(400, (row) => [5, 70, 900][row % 3]!);
    expect(drift(before, JSON.parse(JSON.stringify(before)), {}, true).statistic).toBe(0);
    const now = before.map((value) => (value === 900 ? 901 : value));
    expect(drift(before, now, {}, true)).toMatchObject({ drifted: true });
  });
});

describe('many categories', () => {
  const shops = (count: number, of: (draw: number) => number, many: number, seed: number) => {
    const random = seededRandom(seed);
    return rows(count, () => `shop-${of(random(many))}`);
  };
  const same = (draw: number) => draw;

  test.each([
    [80, 9_000, 600],
    [700, 9_000, 600],
    [1_000, 9_000, 1_000],
    [4_000, 9_000, 600],
    [1_000, 400, 5_000],
  ])('%i that did not change are no drift (%i and %i rows)', (many, before, now) => {
    for (const categorical of ['psi', 'jensen-shannon', 'total-variation'] as const)
      expect(
        drift(shops(before, same, many, 1), shops(now, same, many, 2), { categorical, threshold: 0.05 }).drifted,
        categorical,
      ).toBe(false);
  });
  test('are drift if half of them are replaced, however many there are', () => {
    for (const many of [20, 100, 1_000, 4_000]) {
      const replaced = shops(1_000, (draw) => (draw % 2 === 0 ? draw : draw + many), many, 2);
      expect(drift(shops(9_000, same, many, 1), replaced), String(many)).toMatchObject({ drifted: true });
    }
  });
  test('are drift if a tenth of the rows has one new category, which stays visible', () => {
    const now = shops(600, same, 1_000, 2).map((shop, row) => (row % 10 === 0 ? 'elsewhere' : shop));
    const { drifted, distribution } = drift(shops(9_000, same, 1_000, 1), now);
    expect(drifted).toBe(true);
    expect(distribution!.categories).toContain('elsewhere');
    expect(distribution!.current.reduce((sum, count) => sum + count, 0)).toBe(600);
    expect(distribution!.reference.reduce((sum, count) => sum + count, 0)).toBe(9_000);
  });
  test('are drift if one that had a fifth of the rows disappears', () => {
    const large = (shop: string, row: number) => (row % 5 === 0 ? 'market' : shop);
    const before = shops(9_000, same, 300, 1).map(large);
    expect(drift(before, shops(600, same, 300, 2).map(large))).toMatchObject({ drifted: false });
    expect(drift(before, shops(600, same, 300, 2))).toMatchObject({ drifted: true });
  });
});

test('the same rows give the same critical value for every distance', () => {
  const [before, now] = [rows(900, (row) => (row * 7919) % 1_000), rows(300, (row) => (row * 104_729) % 1_000)];
  for (const numeric of ['psi', 'jensen-shannon', 'total-variation', 'wasserstein'] as const) {
    const { critical } = drift(before, now, { numeric });
    expect(critical).toBeGreaterThan(0);
    expect(drift(before, now, { numeric }).critical).toBe(critical);
  }
});

test('extreme values give finite statistics in every test', () => {
  const before = rows(400, (row) => (row % 2 === 0 ? 1e308 : -1e308) / (1 + (row % 7)));
  const now = rows(300, (row) => (row % 3 === 0 ? Infinity : -1e308));
  for (const numeric of ['psi', 'jensen-shannon', 'total-variation', 'wasserstein', 'ks'] as const) {
    expect(drift(before, before, { numeric, threshold: 0.01 }).drifted).toBe(false);
    expect(drift(before, now, { numeric, threshold: 0.05 }).drifted, numeric).toBe(true);
  }
});

describe('a feature without any value', () => {
  const present = rows(4_000, (row) => (row % 50) / 7);
  const none = rows(800, () => null);

  test('is the first finding of a report', () => {
    const features = [referenceOf('a', present), referenceOf('words', ['x', 'y', 'x']), referenceOf('b', present)];
    const reference: MonitoringReference = {
      schemaVersion: 1,
      features,
      target: referenceOf('y', present),
      prediction: referenceOf('prediction', present),
    };
    const served = { features: { a: present, words: none, b: none }, predictions: present, labels: none };
    const results = driftInWindow(served, reference, policy, null);
    expect(results.map(({ column }) => column)).toEqual(['b', 'a', 'words', 'prediction']);
    expect(results[0]).toMatchObject({
      test: 'missing',
      statistic: 1,
      threshold: 0.1,
      drifted: true,
      referenceRows: 4_000,
      currentRows: 800,
    });
    const [first] = driftVerdicts(results, policy, 200);
    expect(first).toMatchObject({ kind: 'drift', subject: 'b', breached: true });
  });
  test('has drifted too when values come', () => {
    const before = rows(500, () => null);
    expect(drift(before, present)).toMatchObject({ test: 'missing', drifted: true });
    expect(drift(before, none)).toMatchObject({ test: 'missing', statistic: 0, drifted: false });
  });
  test('has a quality finding by default if fewer values come', () => {
    const reference = referenceOf(
      'x',
      rows(1_000, (row) => (row % 20 === 0 ? null : row)),
    );
    const share = (of: number, count = 500) => rows(count, (row) => (row < of * count ? null : row));
    const missing = (cells: readonly Cell[]) => qualityOf(reference, cells, undefined)[0];
    expect(missing(share(0.6))).toMatchObject({ kind: 'missing', threshold: 0.1, breached: true });
    expect(missing(share(0.1))).toMatchObject({ breached: false });
    // Two missing values in ten rows are 0.15 above the reference share, which chance alone can explain.
    expect(missing(share(0.2, 10))).toMatchObject({ breached: false });
    expect(missing(none)).toMatchObject({ breached: true });
  });
  test('is not a feature of empty text, which is a category', () => {
    const words = referenceOf(
      'w',
      rows(400, (row) => (row % 2 === 0 ? '' : 'a')),
    );
    expect(
      qualityOf(
        words,
        rows(300, (row) => (row % 2 === 0 ? '' : 'a')),
        undefined,
      )[0],
    ).toMatchObject({ kind: 'missing', value: 0, breached: false });
  });
});

describe('a reference from an earlier version', () => {
  const of = (feature: ColumnReference): MonitoringReference => ({
    schemaVersion: 1,
    features: [feature],
    target: feature,
    prediction: feature,
  });
  const inputs = (type: TensorType) => ({ inputs: [{ name: 'x', type }] });
  const codes: ColumnReference = {
    kind: 'categorical',
    name: 'x',
    count: 900,
    categories: ['1', '10', '100'],
    counts: [300, 300, 300],
  };

  test('that stored whole numbers as categories gets numeric bins', () => {
    const [feature] = withCurrentKinds(of(codes), new Set(), inputs('INT64')).features;
    expect(feature).toEqual({
      ...referenceOf(
        'x',
        rows(900, (row) => [1, 10, 100][row % 3]!),
      ),
      missing: undefined,
    });
    const [declared] = withCurrentKinds(of(codes), new Set(['x']), inputs('INT64')).features;
    expect(declared).toEqual(codes);
    const [text] = withCurrentKinds(of(codes), new Set(), inputs('BYTES')).features;
    expect(text).toEqual(codes);
    const consecutive = { ...codes, categories: ['9', '10', '11'] };
    expect(withCurrentKinds(of(consecutive), new Set(), inputs('FP32')).features[0]).toEqual(consecutive);
  });
  test('of numbers becomes one of categories once the column is declared a category', () => {
    const numbers = referenceOf(
      'x',
      rows(900, (row) => 100 + (row % 60)),
    );
    expect(numbers.kind).toBe('numeric');
    const [feature] = withCurrentKinds(of(numbers), new Set(['x']), inputs('FP32')).features;
    expect(feature).toMatchObject({ kind: 'categorical', count: 900 });
    const elsewhere = rows(600, (row) => (row % 4 === 0 ? 999 : 100 + (row % 60)));
    expect(driftOf(feature!, elsewhere, 'feature', policy, { category: true })!.drifted).toBe(true);
  });
  test('with edges in the earlier form gets new bins from its values', () => {
    const made = referenceOf(
      'x',
      rows(900, (row) => (row % 10 === 0 ? 5.5 : 0)),
    );
    const old: ColumnReference = { ...made, ...(made.kind === 'numeric' ? { edges: [0], counts: [0, 900] } : {}) };
    expect(
      driftOf(
        old,
        rows(500, (row) => (row % 2 === 0 ? 5.5 : 0)),
        'feature',
        policy,
      )!.drifted,
    ).toBe(true);
  });
  test('gets its categories from the configuration', () => {
    const data = { columns: { code: 'category', zip: 'string' } };
    expect([...declaredCategories({ data } as never)]).toEqual(['code']);
  });
});
