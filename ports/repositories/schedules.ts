import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Schedule, ScheduleInput } from '../../contracts/schedule.ts';

type Stored = Omit<Schedule, 'nextRuns'>;

export interface ScheduleRepository {
  put(scope: Scope, name: string, schedule: ScheduleInput, by: Id): Promise<Stored>;
  get(scope: Scope, name: string): Promise<Stored>;
  list(scope: Scope): Promise<readonly Stored[]>;
  remove(scope: Scope, name: string, by: Id): Promise<void>;
}
