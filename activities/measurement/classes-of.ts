import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';

/** A target with more values is a quantity or a key. */
const mostClasses = 1000;

/**
 * Returns the classes of the training rows, in the order in which scikit-learn sorts them.
 *
 * @throws PerennialError `invalid-configuration` if there are not exactly two for `binary`, or fewer than two or too
 * many for `multiclass`.
 */
export function classesOf(target: string, cells: readonly Cell[], task: Exclude<Task, 'regression'>): ClassValue[] {
  const classes = sortedClasses(cells.filter((cell) => cell !== null));
  const { length } = classes;
  if (task === 'binary' ? length === 2 : length >= 2 && length <= mostClasses) return classes;
  const wanted = task === 'binary' ? 'exactly two' : `two to ${mostClasses}`;
  const shown = classes.slice(0, 5).map((value) => String(value).slice(0, 60));
  throw new PerennialError(
    'invalid-configuration',
    `task ${task} needs ${wanted} classes, but "${target}" has ${length} distinct values in the training rows: ${shown.join(', ')}${length > 5 ? ', …' : ''}`,
    { target, classes: length },
  );
}

/**
 * Returns the classes in the order of `build.classes`, each as the data writes it; undefined if `build.classes` is
 * absent.
 *
 * @throws PerennialError `invalid-configuration` if `build.classes` does not list exactly the classes of the target.
 */
export function classOrder(
  target: string,
  classes: readonly ClassValue[],
  given: readonly ClassValue[] | undefined,
): ClassValue[] | undefined {
  if (given === undefined) return undefined;
  const own = new Map(classes.map((value) => [classKey(value), value]));
  const named = new Set(given.map(classKey));
  const strange = given.find((value) => !own.has(classKey(value)));
  const missing = classes.find((value) => !named.has(classKey(value)));
  if (strange === undefined && missing === undefined) return given.map((value) => own.get(classKey(value)) ?? value);
  const reason =
    strange === undefined
      ? `lacks ${JSON.stringify(missing)}, a value of "${target}"`
      : `names ${JSON.stringify(strange)}, which is not a value of "${target}"`;
  const shown = classes.slice(0, 20).map((value) => JSON.stringify(value));
  throw new PerennialError(
    'invalid-configuration',
    `build.classes ${reason} in the training rows; name each value once: ${shown.join(', ')}${classes.length > 20 ? ', …' : ''}`,
    { key: 'build.classes', target },
  );
}
