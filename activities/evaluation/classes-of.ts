import { sortedClasses } from '../../contracts/classes.ts';
import type { Cell } from '../../contracts/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Task } from '../../contracts/metrics.ts';
import type { ClassValue } from '../../contracts/model-version.ts';

/** More is a quantity, or a key. */
const mostClasses = 1000;

/**
 * The classes of the training rows, in the order that scikit-learn gives them.
 *
 * @throws PerennialError `invalid-configuration` if there are not two for `binary`, or fewer than two or too many for `multiclass`.
 */
export function classesOf(target: string, cells: readonly Cell[], task: Exclude<Task, 'regression'>): ClassValue[] {
  const classes = sortedClasses(cells.filter((cell) => cell !== null));
  const { length } = classes;
  if (task === 'binary' ? length === 2 : length >= 2 && length <= mostClasses) return classes;
  const wanted = task === 'binary' ? 'exactly two' : `two to ${mostClasses}`;
  const shown = classes.slice(0, 5).map((value) => String(value).slice(0, 60));
  throw new PerennialError(
    'invalid-configuration',
    `task ${task} wants ${wanted} classes, and the training rows have ${length} values of "${target}": ${shown.join(', ')}${length > 5 ? ', …' : ''}`,
    { target, classes: length },
  );
}
