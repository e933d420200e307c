import { join } from 'node:path';
import type { Task } from '../../../contracts/models/metrics.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { classOrder, classesOf } from '../../measurement/classes-of.ts';
import { distinctCells } from '../../measurement/distinct-cells.ts';
import { withWorkspace } from '../../steps/workspace.ts';

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
export function createCheckClassOrder({
  tableEngine,
  scratchFolder,
}: Pick<ActivityDependencies, 'tableEngine' | 'scratchFolder'>) {
  return async ({ train, target, task, classes }: GivenOrder): Promise<void> => {
    const cells = await withWorkspace(scratchFolder, 'classes', async (folder) => {
      const path = join(folder, 'target.columns');
      const stored = await tableEngine.storeColumns({ files: [train], columns: [target], target, path });
      return distinctCells(stored, target);
    });
    classOrder(target, classesOf(target, cells, task), classes);
  };
}
