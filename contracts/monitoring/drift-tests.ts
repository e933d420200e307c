import { registeredNames } from '../registered-names.ts';

export type ColumnKind = 'numeric' | 'categorical';

interface DriftTestFacts {
  /** The kinds of columns that the test can be used for. */
  readonly columns: readonly ColumnKind[];
  /** What the statistic measures, for the reference page. */
  readonly statistic: string;
  /** Only for tests with a p-value: the effect size that is compared with `monitor.drift.minEffect`. */
  readonly effect?: string;
  /** Whether the test compares the values themselves, and not only their counts by bin or category. */
  readonly ofValues?: true;
  /** An exception to the usual decision rule, for the reference page. */
  readonly exception?: string;
}

/**
 * The drift tests that a configuration can name. `statistics/drift/tests/` computes each of them, in a file such as
 * `psi-test.ts`; the configuration's schema and checks and the reference pages derive from these facts.
 */
const registry = {
  psi: {
    columns: ['numeric', 'categorical'],
    statistic: 'population stability index of the bins; shares are clipped below at 0.0001',
  },
  ks: {
    columns: ['numeric'],
    statistic: 'largest distance between the two distribution functions',
    effect: 'the largest distance',
    ofValues: true,
  },
  chi2: {
    columns: ['categorical'],
    statistic: "Pearson's chi-squared statistic of the bins",
    effect: 'Cramér’s V',
    exception:
      'With pooled categories, or if fewer than 5 rows are expected in a bin, the statistic must also be above the critical value',
  },
  'jensen-shannon': {
    columns: ['numeric', 'categorical'],
    statistic: 'Jensen-Shannon distance of the bins, with base 2, from 0 to 1',
  },
  wasserstein: {
    columns: ['numeric'],
    statistic: 'distance of the values, in standard deviations of the reference',
    ofValues: true,
  },
  'total-variation': {
    columns: ['numeric', 'categorical'],
    statistic: "half the sum of the absolute differences of the bins' shares, from 0 to 1",
  },
} as const satisfies Readonly<Record<string, DriftTestFacts>>;
export type DriftTestName = keyof typeof registry;

export const driftTests: Readonly<Record<DriftTestName, DriftTestFacts>> = registry;
export const driftTestNames = registeredNames(registry);

export function driftTestsFor(kind: ColumnKind): DriftTestName[] {
  return driftTestNames.filter((name) => driftTests[name].columns.includes(kind));
}

/**
 * Returns whether the test has a p-value. Such a test detects drift below its threshold, every other test at or above
 * it.
 */
export function hasPValue(name: DriftTestName): boolean {
  return driftTests[name].effect !== undefined;
}

/** Returns whether the test needs the values of a column, which a report then reads. Other tests need only counts. */
export function comparesValues(name: DriftTestName): boolean {
  return driftTests[name].ofValues === true;
}
