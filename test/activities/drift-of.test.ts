import { describe, expect, it } from 'vitest';
import { driftOf } from '../../activities/monitoring/drift-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { ColumnReference } from '../../contracts/models/model-version.ts';

const policy = { numeric: 'psi', categorical: 'psi', threshold: 0.2, exclude: ['month'], minFeatures: 1 } as const;
const drift = { ...policy, exclude: [...policy.exclude] };
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a reference', () => {
  it('treats text, booleans and at most 25 consecutive whole numbers as categories, and everything else as numbers', () => {
    const kind = (values: readonly (string | number | boolean | null)[]) => referenceOf('column', values).kind;
    expect(kind(['a', 'b'])).toBe('categorical');
    expect(kind([true, null, false])).toBe('categorical');
    expect(kind(range(25))).toBe('categorical');
    expect(kind(range(26))).toBe('numeric');
    expect(kind([1, 2, 4])).toBe('numeric');
    expect(kind([1, 10, 100])).toBe('numeric');
    expect(kind([7, 7])).toBe('categorical');
    expect(kind([1, 2, 2.5])).toBe('numeric');
    expect(kind([null, null])).toBe('numeric');
    expect(referenceOf('column', range(5), 'numeric').kind).toBe('numeric');
  });
  it('leaves missing values out, sorts codes as numbers, and fits the contract', () => {
    const codes = referenceOf('code', [10, 9, null, 10, 8]);
    expect(codes).toEqual({
      kind: 'categorical',
      name: 'code',
      count: 4,
      categories: ['8', '9', '10'],
      counts: [1, 1, 2],
      missing: 1,
    });
    const numbers = referenceOf('x', [0.5, null, 0.25, 0.5, Number.NaN]);
    expect(numbers).toMatchObject({ kind: 'numeric', count: 3, values: [0.25, 0.5], valueCounts: [1, 2] });
    for (const made of [codes, numbers, referenceOf('none', [])]) expect(ColumnReference.parse(made)).toEqual(made);
  });
});

describe('drift', () => {
  const temperature = referenceOf(
    'temperature',
    range(500).map((i) => i / 500),
  );

  it('is absent for equal values and present for shifted ones, and missing values count on neither side', () => {
    const same = driftOf(temperature, [...range(500).map((i) => i / 500), null, null], 'feature', drift);
    expect(same).toMatchObject({
      statistic: 0,
      drifted: false,
      currentRows: 500,
      referenceRows: 500,
      pValue: null,
      test: 'psi',
    });
    expect(
      driftOf(
        temperature,
        range(300).map((i) => 0.4 + i / 500),
        'feature',
        drift,
      ),
    ).toMatchObject({ drifted: true });
  });
  it('is reported at the threshold', () => {
    const { statistic } = driftOf(
      temperature,
      range(300).map((i) => 0.1 + i / 500),
      'feature',
      drift,
    )!;
    expect(
      driftOf(
        temperature,
        range(300).map((i) => 0.1 + i / 500),
        'feature',
        { ...drift, threshold: statistic },
      )!.drifted,
    ).toBe(true);
    expect(
      driftOf(
        temperature,
        range(300).map((i) => 0.1 + i / 500),
        'feature',
        { ...drift, threshold: statistic * 1.0001 },
      )!.drifted,
    ).toBe(false);
  });
  it('is reported if the p-value of a test is below the threshold', () => {
    const byPValue = { ...drift, numeric: 'ks', categorical: 'chi2', threshold: 0.01 } as const;
    expect(
      driftOf(
        temperature,
        range(300).map((i) => i / 300),
        'feature',
        byPValue,
      ),
    ).toMatchObject({ test: 'ks', drifted: false });
    expect(
      driftOf(
        temperature,
        range(300).map((i) => i / 600),
        'feature',
        byPValue,
      ),
    ).toMatchObject({ test: 'ks', drifted: true });
    const season = referenceOf(
      'season',
      range(400).map((i) => i % 4),
    );
    expect(
      driftOf(
        season,
        range(400).map((i) => i % 4),
        'feature',
        byPValue,
      ),
    ).toMatchObject({ test: 'chi2', pValue: 1, drifted: false });
    expect(
      driftOf(
        season,
        range(400).map((i) => i % 3),
        'feature',
        byPValue,
      ),
    ).toMatchObject({ test: 'chi2', drifted: true });
  });
  it('includes categories that are new and categories that have disappeared', () => {
    const weather = referenceOf(
      'weather',
      range(300).map((i) => ['clear', 'mist'][i % 2]!),
    );
    expect(
      driftOf(
        weather,
        range(300).map((i) => ['clear', 'mist', 'snow'][i % 3]!),
        'feature',
        drift,
      ),
    ).toMatchObject({ drifted: true, currentRows: 300 });
    expect(
      driftOf(
        weather,
        range(300).map(() => 'clear'),
        'feature',
        drift,
      ),
    ).toMatchObject({ drifted: true });
  });
  it('treats a boolean served as a number as the same value', () => {
    const holiday = referenceOf(
      'holiday',
      range(100).map((i) => i % 10 === 0),
    );
    expect(
      driftOf(
        holiday,
        range(100).map((i) => (i % 10 === 0 ? 1 : 0)),
        'feature',
        drift,
      )!.statistic,
    ).toBe(0);
  });
  it('is reported as excluded for an excluded column, but not for a prediction of the same name', () => {
    const month = referenceOf(
      'month',
      range(120).map((i) => i % 12),
    );
    expect(
      driftOf(
        month,
        range(100).map(() => 3),
        'feature',
        drift,
      ),
    ).toMatchObject({ drifted: true, excluded: true });
    expect(
      driftOf(
        month,
        range(100).map(() => 3),
        'prediction',
        drift,
      ),
    ).toMatchObject({ excluded: false });
  });
  it('cannot be computed without rows on both sides', () => {
    expect(driftOf(temperature, [], 'feature', drift)).toBeNull();
    expect(driftOf(referenceOf('empty', []), [], 'feature', drift)).toBeNull();
    expect(driftOf(temperature, [null, null], 'target', drift)).toBeNull();
  });
});
