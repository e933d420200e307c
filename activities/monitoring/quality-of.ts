import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { QualityResult } from '../../contracts/monitoring/report.ts';
import { criticalValue } from '../../statistics/drift/critical-value.ts';
import { missingRise } from '../../statistics/drift/missing-change.ts';
import { seedOfText } from '../../statistics/probability/seed-of-text.ts';
import { categoryCounts, presentNumbers } from '../measurement/column-values.ts';
import { defaultMissingRise, presenceOf } from './presence-of.ts';
import { asWritten, newCategories } from './sides-of.ts';

type QualityPolicy = NonNullable<Configuration['monitor']['quality']>;

/** Number of new categories that are listed by name. */
const named = 5;

/**
 * Measures data quality of a feature's served values: how many more are missing than in the reference (difference of
 * shares), how many lie outside its range, and how many are new categories (shares of the values present).
 */
export function qualityOf(
  reference: ColumnReference,
  cells: readonly Cell[],
  policy: QualityPolicy | undefined,
): QualityResult[] {
  if (cells.length === 0) return [];
  return [
    ...missingIn(reference, cells, policy?.missing),
    ...(reference.kind === 'numeric'
      ? outOfRange(reference, cells, policy?.range)
      : newIn(reference, cells, policy?.categories)),
  ];
}

/** Returns the quality result for the share of rows to which the model had no answer. */
export function failedIn(predictions: readonly Cell[], policy: QualityPolicy | undefined): QualityResult[] {
  const failed = predictions.filter((prediction) => prediction === null).length;
  if (failed === 0 && policy?.failed === undefined) return [];
  const share = predictions.length === 0 ? 0 : failed / predictions.length;
  const detail = `the model had no finite answer for ${failed} of ${predictions.length} rows`;
  return [judged('prediction', 'failed', share, policy?.failed, detail)];
}

/** Without a configured threshold, an increase by 0.1 is a finding, unless chance alone could explain it. */
function missingIn(reference: ColumnReference, cells: readonly Cell[], threshold: number | undefined): QualityResult[] {
  if (reference.missing === undefined) return [];
  const { name } = reference;
  const { before, now } = presenceOf(reference, cells);
  const share = ([present, missing]: readonly [number, number]): number =>
    present + missing === 0 ? 0 : missing / (present + missing);
  const rise = missingRise(before, now);
  const detail = `${percent(share(now))} of the values are missing, against ${percent(share(before))} in the reference`;
  const result = judged(name, 'missing', rise, threshold ?? defaultMissingRise, detail);
  if (threshold !== undefined || !result.breached) return [result];
  const critical = criticalValue(before, now, missingRise, seedOfText(JSON.stringify([name, before, now])));
  return [{ ...result, breached: rise > critical }];
}

function outOfRange(
  { name, values }: Extract<ColumnReference, { kind: 'numeric' }>,
  cells: readonly Cell[],
  threshold: number | undefined,
): QualityResult[] {
  const [least, greatest] = [values[0], values.at(-1)];
  const present = presentNumbers(cells);
  if (least === undefined || greatest === undefined || present.length === 0) return [];
  const outside = present.filter((value) => value < least || value > greatest).length;
  const detail = `served values range from ${present[0]} to ${present.at(-1)}, those of the reference from ${least} to ${greatest}`;
  return [judged(name, 'range', outside / present.length, threshold, detail)];
}

function newIn(
  reference: Extract<ColumnReference, { kind: 'categorical' }>,
  cells: readonly Cell[],
  threshold: number | undefined,
): QualityResult[] {
  const seen = categoryCounts(asWritten(cells, reference.categories));
  const present = [...seen.values()].reduce((sum, count) => sum + count, 0);
  if (present === 0 || reference.count === 0) return [];
  const added = newCategories(reference, seen);
  const rows = added.reduce((sum, category) => sum + (seen.get(category) ?? 0), 0);
  const names = added.slice(0, named).map((category) => JSON.stringify(category.slice(0, 60)));
  const more = added.length > named ? ` and ${added.length - named} more` : '';
  const detail = added.length === 0 ? 'no new categories' : `new categories: ${names.join(', ')}${more}`;
  return [judged(reference.name, 'new-category', rows / present, threshold, detail)];
}

function judged(
  column: string,
  kind: QualityResult['kind'],
  value: number,
  threshold: number | undefined,
  detail: string,
): QualityResult {
  return {
    column,
    kind,
    value,
    threshold: threshold ?? null,
    breached: threshold !== undefined && value >= threshold,
    detail,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}
