import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { ScheduleInput, StoredSchedule } from '../../contracts/runs/schedule.ts';

export interface ScheduleRepository {
  put(scope: Scope, name: string, schedule: ScheduleInput, by: Id): Promise<StoredSchedule>;
  get(scope: Scope, name: string): Promise<StoredSchedule>;
  list(scope: Scope): Promise<readonly StoredSchedule[]>;
  /** Returns the schedules of all models and environments. `archived` says whether the model is archived. */
  all(): Promise<readonly { readonly scope: Scope; readonly schedule: StoredSchedule; readonly archived: boolean }[]>;
  remove(scope: Scope, name: string, by: Id): Promise<void>;
}
