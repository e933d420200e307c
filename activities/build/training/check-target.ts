import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import type { ColumnType } from '../../../contracts/data/data-types.ts';
import { PerennialError } from '../../../contracts/errors.ts';

const numeric: readonly ColumnType[] = ['integer', 'number', 'boolean'];

/** @throws PerennialError `invalid-configuration` if the target of a regression is not numeric. */
export function mustSuitTask(
  { task, data: { target } }: Pick<Configuration, 'task' | 'data'>,
  { number, manifest }: Pick<DatasetVersion, 'number' | 'manifest'>,
): void {
  const column = manifest.columns.find(({ name }) => name === target);
  if (task !== 'regression' || column === undefined || numeric.includes(column.type)) return;
  throw new PerennialError(
    'invalid-configuration',
    `task regression needs a numeric target, but "${target}" has type ${column.type} in dataset ${number}; correct the column's values, or choose another target or task`,
    { key: 'data.target', type: column.type },
  );
}
