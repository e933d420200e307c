import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import type { QualityResult } from '../../contracts/monitoring/report.ts';
import { criticalValue } from '../../statistics/drift/critical-value.ts';
import { missingRise } from '../../statistics/drift/missing-change.ts';
import { seedOfText } from '../../statistics/probability/seed-of-text.ts';
import type { CountedColumn, ServedColumn } from '../measurement/counted-column.ts';
import { countedColumn, isUncounted, presentIn } from '../measurement/counted-column.ts';
import { defaultMissingRise, presenceOf } from './presence-of.ts';
import { newCategories } from './sides-of.ts';

type QualityPolicy = NonNullable<Configuration['monitor']['quality']>;

/** Number of new categories that are listed by name. */
const named = 5;

/**
 * Measures data quality of a feature's served values: how many more are missing than in the reference (difference of
 * shares), how many lie outside its range, and how many are new categories (shares of the values present).
 */
export function qualityOf(
  reference: ColumnReference,
  served: ServedColumn,
  policy: QualityPolicy | undefined,
): QualityResult[] {
  const counted = countedColumn(reference, served);
  if (counted.rows === 0) return [];
  return [
    ...missingIn(reference, counted, policy?.missing),
    ...(reference.kind === 'numeric' ? outOfRange(reference, counted, policy?.range) : []),
    ...(reference.kind === 'categorical' ? newIn(reference, counted, policy?.categories) : []),
  ];
}

/** Returns the quality result for the share of rows to which the model had no answer. */
export function failedIn(
  { rows, failed }: { readonly rows: number; readonly failed: number },
  policy: QualityPolicy | undefined,
): QualityResult[] {
  if (failed === 0 && policy?.failed === undefined) return [];
  const share = rows === 0 ? 0 : failed / rows;
  const detail = `the model had no finite answer for ${failed} of ${rows} rows`;
  return [judged('prediction', 'failed', share, policy?.failed, detail)];
}

/** Without a configured threshold, an increase by 0.1 is a finding, unless chance alone could explain it. */
function missingIn(reference: ColumnReference, served: CountedColumn, threshold: number | undefined): QualityResult[] {
  if (reference.missing === undefined) return [];
  const { name } = reference;
  const { before, now } = presenceOf(reference, served);
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
  served: CountedColumn,
  threshold: number | undefined,
): QualityResult[] {
  const [least, greatest] = [values[0], values.at(-1)];
  if (least === undefined || greatest === undefined || served.kind !== 'numeric' || served.range === null) return [];
  const detail = `served values range from ${served.range[0]} to ${served.range[1]}, those of the reference from ${least} to ${greatest}`;
  return [judged(name, 'range', served.outside / served.present, threshold, detail)];
}

function newIn(
  reference: Extract<ColumnReference, { kind: 'categorical' }>,
  served: CountedColumn,
  threshold: number | undefined,
): QualityResult[] {
  const present = presentIn(served);
  if (served.kind !== 'categorical' || isUncounted(served) || present === 0 || reference.count === 0) return [];
  const seen = served.counts;
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
