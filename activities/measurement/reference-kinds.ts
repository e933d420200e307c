import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type {
  CategoricalReference,
  ColumnReference,
  MonitoringReference,
  NumericReference,
} from '../../contracts/models/model-version.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { binnedCounts } from '../../statistics/drift/bin-counts.ts';
import { tieEdges } from '../../statistics/drift/tie-edges.ts';
import { areCodes, wholeNumbersIn } from './whole-number-codes.ts';

/** Returns the columns that the configuration declares as categories. */
export function declaredCategories({ data }: Pick<Configuration, 'data'>): ReadonlySet<string> {
  const declared = Object.entries(data.columns ?? {}).filter(([, type]) => type === 'category');
  return new Set(declared.map(([name]) => name));
}

/**
 * Converts a version's reference to the current rules and configuration: numbers that have been declared as categories
 * since become categories, and whole numbers that are neither declared nor codes become numbers. Older releases of
 * Perennial stored any whole numbers with up to 25 distinct values as categories.
 */
export function withCurrentKinds(
  reference: MonitoringReference,
  declared: ReadonlySet<string>,
  { inputs }: Pick<Signature, 'inputs'>,
): MonitoringReference {
  const numbers = new Set(inputs.filter(({ type }) => type !== 'BYTES').map(({ name }) => name));
  const current = (feature: ColumnReference): ColumnReference => {
    // Condensed values are no categories.
    if (feature.kind === 'numeric')
      return declared.has(feature.name) && feature.condensed === undefined ? asCategories(feature) : feature;
    return declared.has(feature.name) || !numbers.has(feature.name) ? feature : unlessNumbers(feature);
  };
  return { ...reference, features: reference.features.map(current) };
}

function asCategories({ name, count, values, valueCounts, missing }: NumericReference): CategoricalReference {
  const told = missing === undefined ? {} : { missing };
  return { kind: 'categorical', name, count, categories: values.map(String), counts: valueCounts, ...told };
}

function unlessNumbers(feature: CategoricalReference): ColumnReference {
  const { name, count, missing } = feature;
  const numbers = wholeNumbersIn(feature.categories);
  if (numbers === null || areCodes(numbers)) return feature;
  const order = numbers.map((_, at) => at).toSorted((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0));
  const values = order.map((at) => numbers[at] ?? 0);
  const valueCounts = order.map((at) => feature.counts[at] ?? 0);
  const edges = tieEdges({ values, counts: valueCounts });
  const counts = binnedCounts({ values, counts: valueCounts }, edges);
  const told = missing === undefined ? {} : { missing };
  return { kind: 'numeric', name, count, edges, counts, values, valueCounts, ...told };
}
