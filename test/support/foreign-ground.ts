import { sql } from '../../db/connection/orm.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import type { RunKind } from '../../contracts/runs/run.ts';
import { configuration } from '../db/database-ground.ts';
import { beginRunOf } from './begin-run-of.ts';
import type { ForeignClient } from './foreign-client.ts';
import { seedApproval, seedRehearsal, seedVersion, type SeededVersion } from './seed-candidate.ts';
import { seedGeneration } from './seed-generation.ts';

/** The targets of an attack: a release that serves, one that waits for a vote, a rehearsal, and runs of each kind. */
export interface ForeignGround {
  readonly scope: Scope;
  readonly by: Id;
  readonly serving: Release;
  readonly candidate: SeededVersion;
  /** The approval of the candidate, for which nobody has voted. */
  readonly pending: { readonly approval: Approval; readonly release: Release; readonly runId: Id };
  readonly rehearsal: { readonly id: Id; readonly scope: Scope; readonly runId: Id };
  /** Digest of stored bytes that no step of a run has returned. */
  readonly blob: string;
  /** Begins a run. The run is already bound to a Temporal execution, unless `free` is true. */
  run(kind: RunKind, options?: { readonly free?: boolean }): Promise<Id>;
  /**
   * Lets the next execution under the run's workflow id claim the run, as if the lifecycle had just ordered its start.
   */
  free(runId: Id): Promise<void>;
  workflowIdOf(runId: Id): Promise<string>;
}

const own = 'the-own-execution';

export async function layForeignGround({ context, deps }: ForeignClient, name = 'bike-demand'): Promise<ForeignGround> {
  const { repositories, objectStore } = deps;
  const { id: by } = await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null);
  const strategy = { canary: [10, 100], bake: '1h', minRequests: 5 };
  const applied = Configuration.parse({ ...configuration, name, deploy: { strategy } });
  const { scope } = await repositories.models.apply('default', 'production', applied, by);
  const bind = async (runId: Id, executionId: string | null): Promise<void> => {
    await context.db.execute(
      sql`update runs set ordered_at = now(), execution_id = ${executionId} where id = ${runId}::uuid`,
    );
  };
  const first = await seedVersion(repositories, scope, by, { seed: 1 });
  const released = await seedApproval(repositories, scope, by, first);
  await seedGeneration(context, scope, { releaseId: released.release.id, runId: released.runId, by });
  await repositories.runs.cancel(released.runId, 'over');
  const candidate = await seedVersion(repositories, scope, by, { seed: 2 });
  const pending = await seedApproval(repositories, scope, by, candidate);
  await bind(pending.runId, own);
  const { sha256: blob } = await objectStore.putBytes(Buffer.from(`{"schemaVersion":1,"of":"somebody in ${name}"}`));
  const rehearsal = await seedRehearsal(repositories, scope, by);
  await bind(rehearsal.runId, own);
  return {
    scope,
    by,
    serving: released.release,
    candidate,
    pending,
    rehearsal,
    blob,
    async run(kind, { free = false } = {}) {
      const runId = await beginRunOf(kind, { context, scope, by });
      await bind(runId, free ? null : own);
      return runId;
    },
    free: (runId) => bind(runId, null),
    workflowIdOf: async (runId) => (await repositories.runs.get(runId)).workflowId,
  };
}
