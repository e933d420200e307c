import type { Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import type { Rehearsal, RehearsalPeriod, RehearsalPlan, RehearsalSummary } from '../../contracts/runs/rehearsal.ts';

export interface RehearsalRepository {
  /**
   * Creates a rehearsal with its environment, its code and configuration heads, its service principal, its queued run
   * and the command that starts it. The environment is named `rehearsal-` and the last 8 characters of the id (the
   * first 8 are a timestamp and repeat within a minute); its virtual clock starts at `plan.from`. If the same principal
   * used the same idempotency key on the same route before, returns that first rehearsal; throws `idempotency-conflict`
   * if its request differs.
   */
  create(
    source: Scope,
    plan: RehearsalPlan,
    metric: string,
    by: Id,
    idempotency?: Idempotency,
  ): Promise<{ readonly rehearsal: Rehearsal; readonly scope: Scope }>;
  get(id: Id): Promise<Rehearsal>;
  /** Returns the rehearsal that owns the environment, or `undefined`. */
  inEnvironment(scope: Scope): Promise<Rehearsal | undefined>;
  /**
   * Returns rehearsals of the model. Includes those in environments hidden from the viewer if the viewer sees the
   * rehearsed environment.
   */
  list(viewer: Viewer, modelId: Id, page: PageRequest): Promise<Page<Rehearsal>>;
  /** Records the file from which the periods are ingested, so that its bytes are kept until the run ends. */
  keepRows(id: Id, rows: Sha256): Promise<void>;
  /** Stores one period per index. Repeating the call changes nothing. */
  addPeriod(id: Id, period: RehearsalPeriod): Promise<void>;
  finish(id: Id, summary: RehearsalSummary): Promise<void>;
  /** Returns the service principal `rehearsal-<id>`, which is an approver only in the rehearsal's environment. */
  principalOf(id: Id): Promise<Id>;
}
