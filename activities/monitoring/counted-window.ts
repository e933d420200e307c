import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference, MonitoringReference, NumericReference } from '../../contracts/models/model-version.ts';
import type { CountedValues, KeyedCounting, WantedCounts } from '../../ports/segment-summary.ts';
import type { ReadServed, ServedWindow } from '../../ports/served-window.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { comparesValues } from '../../contracts/monitoring/drift-tests.ts';
import { countOutside, countsOfBins, fineBounds } from '../../statistics/drift/fine-bins.ts';
import type { CountedCategories, CountedColumn, CountedNumbers } from '../measurement/counted-column.ts';
import {
  areTruthValues,
  binsOf,
  countedCells,
  countedNumbers,
  withTruthValues,
} from '../measurement/counted-column.ts';
import type { LabelColumn } from '../measurement/label-column.ts';
import { sortedNumbers } from '../measurement/sorted-numbers.ts';
import type { DriftPolicy } from './drift-of.ts';

/** Returns which values of a window must be counted for a comparison with the reference, and which must be stored. */
export function wantedOf(
  { features, prediction }: Pick<MonitoringReference, 'features' | 'prediction'>,
  policy: Pick<DriftPolicy, 'numeric'>,
): Required<Pick<ReadServed, 'counts' | 'prediction' | 'features'>> {
  const asValues = features.filter((feature) => needsValues(feature, policy));
  const asCounts = features.filter((feature) => !needsValues(feature, policy));
  return {
    counts: Object.fromEntries(asCounts.map((feature) => [feature.name, wantedCounts(feature)])),
    prediction: wantedCounts(prediction),
    features: asValues.map(({ name }) => name),
  };
}

/** Returns how the segments' summaries count for this reference, or undefined if the tests need values anyway. */
export function countingOf(
  reference: Pick<MonitoringReference, 'features' | 'prediction'>,
  policy: Pick<DriftPolicy, 'numeric'>,
): KeyedCounting | undefined {
  const { counts, prediction } = wantedOf(reference, policy);
  if (comparesValues(policy.numeric)) return undefined;
  const counting = { features: counts, prediction };
  return { key: sha256OfJson(counting), counting };
}

function needsValues({ kind }: ColumnReference, { numeric }: Pick<DriftPolicy, 'numeric'>): boolean {
  return kind === 'numeric' && comparesValues(numeric);
}

function wantedCounts(reference: ColumnReference): WantedCounts {
  if (reference.kind === 'categorical') return { kind: 'categorical' };
  return { kind: 'numeric', bounds: boundsOf(reference) };
}

function boundsOf(reference: NumericReference): number[] {
  return fineBounds(binsOf(reference).edges, endsOf(reference));
}

function endsOf({ values }: NumericReference): readonly number[] {
  const [least, greatest] = [values[0], values.at(-1)];
  return least === undefined || greatest === undefined ? [] : [least, greatest];
}

/** Returns the counted values of a feature. No version that answered may take the feature; it then has no rows. */
export async function countedFeature(
  window: ServedWindow,
  reference: ColumnReference,
  policy: Pick<DriftPolicy, 'numeric'>,
): Promise<CountedColumn> {
  const { name } = reference;
  if (reference.kind === 'numeric' && needsValues(reference, policy))
    return window.stored.layout.names.includes(`feature ${name}`)
      ? countedNumbers(reference, await sortedNumbers(window.stored, `feature ${name}`), window.rows)
      : countedCells(reference, []);
  return counted(reference, Object.hasOwn(window.counts, name) ? window.counts[name] : undefined, window.rows);
}

export async function countedPrediction(
  { prediction, rows, stored }: ServedWindow,
  reference: ColumnReference,
  policy: Pick<DriftPolicy, 'numeric'>,
): Promise<CountedColumn> {
  if (reference.kind === 'numeric' && needsValues(reference, policy))
    return countedNumbers(reference, await sortedNumbers(stored, 'prediction'), rows);
  return counted(reference, prediction ?? undefined, rows);
}

export function countedLabels(labels: LabelColumn, reference: ColumnReference): CountedColumn {
  const classes = labels.classCounts();
  if (reference.kind === 'categorical' && classes.size > 0)
    return countedCategories(reference.categories, [...classes], labels.rows);
  if (reference.kind === 'numeric' && classes.size === 0)
    return countedNumbers(reference, labels.sortedNumbers(), labels.rows);
  // The task has changed since the reference was made.
  return countedCells(
    reference,
    Array.from({ length: labels.rows }, (_, row) => labels.at(row)),
  );
}

function counted(reference: ColumnReference, values: CountedValues | undefined, rows: number): CountedColumn {
  if (reference.kind === 'numeric' && values?.kind === 'numeric') return numbersCounted(reference, values, rows);
  if (reference.kind !== 'categorical' || values?.kind !== 'categorical') return countedCells(reference, []);
  if (values.values === null)
    return { kind: 'categorical', rows, counts: new Map(), areNumbers: false, uncounted: values.present };
  return countedCategories(reference.categories, values.values, rows);
}

function numbersCounted(
  reference: NumericReference,
  { present, range, counts }: Extract<CountedValues, { kind: 'numeric' }>,
  rows: number,
): CountedNumbers {
  const bounds = boundsOf(reference);
  const [least = -Infinity, greatest = Infinity] = endsOf(reference);
  return {
    kind: 'numeric',
    rows,
    present,
    range,
    outside: countOutside(counts, bounds, [least, greatest]),
    bins: countsOfBins(counts, bounds, binsOf(reference).edges),
    values: null,
  };
}

function countedCategories(
  categories: readonly string[],
  values: readonly (readonly [Cell, number])[],
  rows: number,
): CountedCategories {
  const cells = values.map(([cell]) => cell);
  const written = areTruthValues(categories) ? withTruthValues(cells) : cells;
  const counts = new Map<string, number>();
  for (const [at, cell] of written.entries())
    if (cell !== null && !Number.isNaN(cell))
      counts.set(String(cell), (counts.get(String(cell)) ?? 0) + (values[at]?.[1] ?? 0));
  return { kind: 'categorical', rows, counts, areNumbers: cells.every((cell) => typeof cell === 'number') };
}
