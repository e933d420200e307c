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
  /** The environment's clock: the wall, or the virtual reading. */
  now(project: string, name: Name): Promise<Instant>;
  /** Moves a virtual clock forward to `now`; never back, and no wall clock. Again changes nothing. */
  advanceClock(project: string, name: Name, now: Instant): Promise<void>;
}
