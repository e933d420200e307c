import type { Task } from '../../../contracts/models/metrics.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { classOrder, classesOf } from '../../measurement/classes-of.ts';

/** The file of training rows, the target column, and the order that `build.classes` gives the classes. */
export interface GivenOrder {
  readonly train: string;
  readonly target: string;
  readonly task: Exclude<Task, 'regression'>;
  readonly classes: readonly ClassValue[];
}

/**
 * Checks `build.classes` against the values of the target before training, so that a mistake is not found only after
 * hours.
 *
 * @throws PerennialError `invalid-configuration`
 */
export function createCheckClassOrder({ tableEngine }: Pick<ActivityDependencies, 'tableEngine'>) {
  return async ({ train, target, task, classes }: GivenOrder): Promise<void> => {
    const { columns } = await tableEngine.readColumns({
      files: [train],
      columns: [target],
      target: { column: target, labelledOnly: true },
    });
    classOrder(target, classesOf(target, columns[target] ?? [], task), classes);
  };
}
