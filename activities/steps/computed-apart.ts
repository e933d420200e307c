import { cancellationSignal } from '@temporalio/activity';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/**
 * Runs the named computation in a separate process. Inside a computing process there is no `computing`, and the
 * computation runs directly.
 */
export function computedApart<Input, Result>(
  { computing }: Pick<ActivityDependencies, 'computing'>,
  name: string,
  work: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return computing === undefined ? work : (input) => computing.run<Result>(name, input, cancellationSignal());
}
