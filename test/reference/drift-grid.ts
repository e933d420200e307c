import { driftMeasures } from '../../statistics/drift/tests/index.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import type { Sides } from '../../activities/monitoring/sides-of.ts';
import { sidesOf } from '../../activities/monitoring/sides-of.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { seededUniform } from '../../statistics/probability/seeded-random.ts';

// Measures how often the drift tests find a difference between samples of one distribution, and prints the tables of
// docs/reference/drift.md: `node test/reference/drift-grid.ts` runs all parts in some minutes. The first argument
// names one part to run, and the second selects the distributions whose names contain it.

type Test = keyof typeof driftMeasures;
type Uniform = () => number;
/**
 * Numeric values, one per row, or the number of rows in each category. Drawing and counting categories this way takes a
 * tenth of the time.
 */
type Sample = { readonly numbers: readonly Cell[] } | { readonly counts: readonly number[] };
type Sampler = (rows: number, uniform: Uniform) => Sample;

/**
 * Distances are compared with the default threshold, and p-values with the significance level of the critical value.
 */
const [threshold, level] = [0.2, 0.005];
const seeds = 200;
const windows = [200, 600, 1_000, 5_000, 20_000, 100_000];
const largeReference = 100_000;
const manyCategories = [2, 3, 5, 10, 25, 80, 100, 200, 700, 1_000, 4_000, 5_000];

const distances = ['psi', 'jensen-shannon', 'total-variation'] as const;
const testsOf = { categorical: [...distances, 'chi2'], numeric: [...distances, 'wasserstein', 'ks'] } as const;

/** Samplers by the name of their distribution. */
export const distributions: ReadonlyMap<string, Sampler> = new Map<string, Sampler>([
  ...manyCategories.map((many): [string, Sampler] => [`${many} equal categories`, categories(many, () => 1)]),
  ...manyCategories.map((many): [string, Sampler] => [
    `${many} categories by Zipf`,
    categories(many, (place) => 1 / (place + 1)),
  ]),
  ['normal', numbers(normal)],
  ['log-normal, σ 2', numbers((uniform) => Math.exp(2 * normal(uniform)))],
  ['normal in steps of 0.5', numbers((uniform) => Math.round(2 * normal(uniform)) / 2)],
  ['95 % zeros', numbers((uniform) => (uniform() < 0.95 ? 0 : Math.exp(normal(uniform))))],
  ['whole numbers 0 to 24', numbers((uniform) => Math.floor(uniform() * 25))],
  ['Poisson counts, mean 3', numbers((uniform) => poisson(3, uniform))],
]);

function categories(many: number, weight: (place: number) => number): Sampler {
  const weights = Array.from({ length: many }, (_, place) => weight(place));
  const total = weights.reduce((sum, some) => sum + some, 0);
  let upTo = 0;
  const bounds = Float64Array.from(weights, (some) => (upTo += some / total));
  const guide = Uint32Array.from({ length: many }, (_, at) => bounds.findIndex((bound) => bound > at / many));
  return (rows, uniform) => {
    const counts = weights.map(() => 0);
    for (let row = 0; row < rows; row += 1) {
      const drawn = uniform();
      let place = guide[Math.floor(drawn * many)] ?? 0;
      while ((bounds[place] ?? 1) <= drawn && place < many - 1) place += 1;
      counts[place] = (counts[place] ?? 0) + 1;
    }
    return { counts };
  };
}

function numbers(draw: (uniform: Uniform) => number): Sampler {
  return (rows, uniform) => ({ numbers: Array.from({ length: rows }, () => draw(uniform)) });
}

function normal(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function poisson(mean: number, uniform: Uniform): number {
  let [count, product] = [0, uniform()];
  while (product > Math.exp(-mean)) {
    count += 1;
    product *= uniform();
  }
  return count;
}

export interface Point {
  readonly sampler: Sampler;
  /** Draws the window's rows if their distribution differs from the reference's. */
  readonly moved?: Sampler;
  readonly reference: number;
  readonly window: number;
  readonly seeds: number;
  /** `critical`: the critical value alone decides, and the threshold is ignored. */
  readonly by?: 'both' | 'critical';
  readonly tests?: readonly Test[];
}

/** Returns in how many of the seeds each test finds drift. */
export function flaggedAt(point: Point): Record<string, number> {
  const flagged: Record<string, number> = {};
  for (let seed = 0; seed < point.seeds; seed += 1) {
    const uniform = seededUniform(seed * 7919 + point.window);
    const compare = comparedWith(point.sampler(point.reference, uniform));
    const sides = compare((point.moved ?? point.sampler)(point.window, uniform));
    for (const test of point.tests ?? testsFor(sides))
      flagged[test] = (flagged[test] ?? 0) + (isFlagged(test, sides, seed, point.by ?? 'both') ? 1 : 0);
  }
  return flagged;
}

function isFlagged(test: Test, sides: Sides, seed: number, by: Point['by']): boolean {
  const { statistic, pValue, critical } = driftMeasures[test](sides);
  if (pValue !== null) return pValue < level && statistic > (critical?.(seed, statistic) ?? 0);
  return (by === 'critical' || statistic >= threshold) && statistic > (critical?.(seed, statistic) ?? 0);
}

interface Worst {
  readonly points: number;
  /** Number of points where a test found drift in more than 4 seeds. */
  readonly over: number;
  readonly most: number;
  readonly where: string;
}

function testsFor({ values }: Sides): readonly Test[] {
  return values === undefined ? testsOf.categorical : testsOf.numeric;
}

/**
 * Returns a function that compares a window with the sample. Category counts are compared directly, and numbers as in a
 * report.
 */
function comparedWith(sample: Sample): (window: Sample) => Sides {
  if ('counts' in sample) {
    const { counts: before } = sample;
    return (window) => {
      const now = 'counts' in window ? window.counts : [];
      const distribution = { edges: null, categories: null, reference: [...before], current: [...now] };
      return { before, now, isNumeric: false, distribution, currentRows: now.reduce((sum, count) => sum + count, 0) };
    };
  }
  const reference = referenceOf('x', sample.numbers);
  return (window) => sidesOf(reference, 'numbers' in window ? window.numbers : [], false);
}

/** Prints the false alarms of PSI by distribution and window, and the worst point of every test. */
function falseAlarms(): void {
  const worst = new Map<string, Worst>();
  print(['distribution', ...windows.map(String)]);
  for (const [name, sampler] of distributions) {
    if (!name.includes(process.argv[3] ?? '')) continue;
    const flagged = flaggedOver(sampler);
    const cells = windows.map((window) => {
      const references = [...new Set([window, largeReference])];
      return references.map((size) => flagged.get(`${size} rows, ${window} served`)?.['psi'] ?? 0).join(' / ');
    });
    for (const [point, counts] of flagged)
      for (const [test, count] of Object.entries(counts)) note(worst, test, count, `${name}, ${point}`);
    print([name, ...cells]);
  }
  print([]);
  print(['test', 'points', 'with more than 4', 'most', 'where']);
  for (const [test, { points, over, most, where }] of worst) print([test, points, over, most, where]);
}

/**
 * Returns in how many of the seeds each test finds drift, by point. All windows of a seed share its large reference.
 */
function flaggedOver(sampler: Sampler): Map<string, Record<string, number>> {
  const flagged = new Map<string, Record<string, number>>();
  for (let seed = 0; seed < seeds; seed += 1) {
    const uniform = seededUniform(seed);
    const toLarge = comparedWith(sampler(largeReference, uniform));
    for (const window of windows) {
      const served = sampler(window, uniform);
      const toSmall = comparedWith(sampler(window, uniform));
      const points = [
        { size: window, compare: toSmall },
        ...(window < largeReference ? [{ size: largeReference, compare: toLarge }] : []),
      ];
      for (const { size, compare } of points) {
        const point = `${size} rows, ${window} served`;
        const counts = flagged.get(point) ?? {};
        const sides = compare(served);
        for (const test of testsFor(sides))
          counts[test] = (counts[test] ?? 0) + (isFlagged(test, sides, seed, 'both') ? 1 : 0);
        flagged.set(point, counts);
      }
    }
  }
  return flagged;
}

function note(worst: Map<string, Worst>, test: string, count: number, place: string): void {
  const { points, over, most, where } = worst.get(test) ?? { points: 0, over: 0, most: -1, where: place };
  const greatest = count > most ? { most: count, where: place } : { most, where };
  worst.set(test, { points: points + 1, over: over + (count > 4 ? 1 : 0), ...greatest });
}

/**
 * Prints the false alarms of the critical value alone, without the threshold. About one window in 200 passes it by
 * chance.
 */
function alarmsOfCriticalValue(): void {
  const tests = ['psi', 'jensen-shannon', 'wasserstein'] as const;
  print(['distribution', 'reference', 'window', ...tests]);
  for (const name of ['10 equal categories', '80 categories by Zipf', '700 equal categories', 'normal', '95 % zeros'])
    for (const [reference, window] of [
      [300, 300],
      [9_000, 600],
    ] as const) {
      const sampler = distributions.get(name);
      if (sampler === undefined) throw new Error(`there is no distribution ${name}`);
      const known = name.includes('categories') ? tests.slice(0, 2) : tests;
      const flagged = flaggedAt({ sampler, reference, window, seeds, by: 'critical', tests: known });
      print([name, reference, window, ...tests.map((test) => flagged[test] ?? '–')]);
    }
}

/** Prints in how many of 50 seeds PSI finds each change, by window size. */
function power(): void {
  const shifted = (by: number): Sampler => numbers((uniform) => normal(uniform) + by);
  const zeros = (share: number): Sampler => numbers((uniform) => (uniform() < share ? 0 : Math.exp(normal(uniform))));
  const old = (many: number, others: number): Sampler => categories(many + others, (place) => (place < many ? 1 : 0));
  /** Returns a sampler that moves this share of the rows to new categories, evenly. */
  const moved = (many: number, others: number, share: number): Sampler =>
    categories(many + others, (place) => (place < many ? (1 - share) / many : share / others));
  const changes: readonly (readonly [string, Sampler, Sampler])[] = [
    ['normal, mean moves by 0.25 σ', shifted(0), shifted(0.25)],
    ['normal, mean moves by 0.5 σ', shifted(0), shifted(0.5)],
    ['95 % zeros become 90 %', zeros(0.95), zeros(0.9)],
    ['95 % zeros become 80 %', zeros(0.95), zeros(0.8)],
    ['a new category with 2 %, beside 20', old(20, 1), moved(20, 1, 0.02)],
    ['a new category with 5 %, beside 20', old(20, 1), moved(20, 1, 0.05)],
    ['a new category with 5 %, beside 1,000', old(1_000, 1), moved(1_000, 1, 0.05)],
    ['10 % of the rows in 1,000 new categories, beside 1,000', old(1_000, 1_000), moved(1_000, 1_000, 0.1)],
    ['30 % of the rows in 1,000 new categories, beside 1,000', old(1_000, 1_000), moved(1_000, 1_000, 0.3)],
    ['30 % of the rows in 4,000 new categories, beside 4,000', old(4_000, 4_000), moved(4_000, 4_000, 0.3)],
  ];
  const sizes = [200, 600, 1_000, 5_000];
  print(['change', ...sizes.map(String)]);
  for (const [name, sampler, changed] of changes)
    print([
      name,
      ...sizes.map((window) => flaggedAt({ sampler, moved: changed, reference: 9_000, window, seeds: 50, tests: ['psi'] })['psi'] ?? 0),
    ]);
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(cells.length === 0 ? '\n' : `| ${cells.join(' | ')} |\n`);
}

const parts = { falseAlarms, alarmsOfCriticalValue, power };

if (import.meta.main)
  for (const [name, part] of Object.entries(parts))
    if (process.argv[2] === undefined || process.argv[2] === name) {
      part();
      print([]);
    }
