import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../../contracts/errors.ts';

/**
 * @throws PerennialError `no-data` if a feature has no value in the whole dataset, so that its type is unknown, and no
 * type is declared for it.
 */
export function mustHaveTypes(
  { data: { features, columns = {}, expectations, fill = {} } }: Pick<Configuration, 'data'>,
  { number, manifest, profile }: Pick<DatasetVersion, 'number' | 'manifest' | 'profile'>,
): void {
  const types = new Map(manifest.columns.map(({ name, type }) => [name, type]));
  const empty = new Set(
    (profile?.columns ?? []).flatMap(({ name, count, nulls }) => (count > 0 && nulls === count ? [name] : [])),
  );
  const isDeclared = (name: string): boolean =>
    Object.hasOwn(columns, name) ||
    Object.hasOwn(fill, name) ||
    expectations.some(({ column, type }) => column === name && type !== undefined);
  // A column without any value is stored as text.
  const untyped = features.find((name) => types.get(name) === 'string' && empty.has(name) && !isDeclared(name));
  if (untyped === undefined) return;
  throw new PerennialError(
    'no-data',
    `the feature "${untyped}" has no value in dataset ${number}, so its type is not known; ingest rows with a value, or declare data.columns: { ${untyped}: number } and ingest again, or remove the feature from data.features`,
    { column: untyped },
  );
}
