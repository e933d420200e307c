import type { ApprovalPolicy, Environment } from '../../contracts/serving/environment.ts';
import type { Id, Instant, Name } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';

export interface EnvironmentRepository {
  list(viewer: Viewer, project: string): Promise<readonly Environment[]>;
  get(project: string, name: string): Promise<Environment>;
  put(
    project: string,
    name: Name,
    settings: { readonly minimumPolicy: ApprovalPolicy | null },
    by: Id,
  ): Promise<Environment>;
  makeVirtual(project: string, name: Name, now: Instant, by: Id): Promise<Environment>;
  /** Returns the time of the environment's clock: the wall clock, or the virtual clock's current reading. */
  now(project: string, name: Name): Promise<Instant>;
  /**
   * Moves a virtual clock forward to `now`, never back. Repeating the call changes nothing. Throws `conflict` on a wall
   * clock.
   */
  advanceClock(project: string, name: Name, now: Instant): Promise<void>;
}
