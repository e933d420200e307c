import { cancellationSignal } from '@temporalio/activity';
import type { ActivityDependencies } from './dependencies.ts';

/** The work by that name in a process of its own; here in such a process, which has no further one. */
export function computedApart<Input, Result>(
  { computing }: Pick<ActivityDependencies, 'computing'>,
  name: string,
  work: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return computing === undefined ? work : (input) => computing.run<Result>(name, input, cancellationSignal());
}
