import type { Idempotency } from '../../contracts/runs/command.ts';
import type { Id, Page, PageRequest, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import type { Rehearsal, RehearsalPeriod, RehearsalPlan, RehearsalSummary } from '../../contracts/runs/rehearsal.ts';

export interface RehearsalRepository {
  /** Makes the rehearsal, its environment `rehearsal-<last 8 of the id>` (the first 8 are the time, and equal for a minute) with a virtual clock at `plan.from`, its heads of code and configuration, its principal, its run (queued) and the command that starts it. The same Idempotency-Key, principal and route answer the first again; with another request `idempotency-conflict`. */
  create(
    source: Scope,
    plan: RehearsalPlan,
    metric: string,
    by: Id,
    idempotency?: Idempotency,
  ): Promise<{ readonly rehearsal: Rehearsal; readonly scope: Scope }>;
  get(id: Id): Promise<Rehearsal>;
  /** The rehearsal that owns the environment; undefined if none does. */
  inEnvironment(scope: Scope): Promise<Rehearsal | undefined>;
  /** Also those whose own environment the viewer does not see, if it sees the one that they rehearse. */
  list(viewer: Viewer, modelId: Id, page: PageRequest): Promise<Page<Rehearsal>>;
  /** Names the file that its periods are ingested from, so that the bytes are kept until its run ends. */
  keepRows(id: Id, rows: Sha256): Promise<void>;
  /** One per index; again changes nothing. */
  addPeriod(id: Id, period: RehearsalPeriod): Promise<void>;
  finish(id: Id, summary: RehearsalSummary): Promise<void>;
  /** The service principal `rehearsal-<id>`, approver in its environment alone. */
  principalOf(id: Id): Promise<Id>;
}
