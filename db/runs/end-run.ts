import { and, eq, sql } from '../connection/orm.ts';
import type { JsonValue } from '../../contracts/canonical.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { RunFailure, RunOutcome, RunState } from '../../contracts/runs/run.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { lockRun, type RunRow } from './run-rows.ts';
import { mustHaveDeployed } from '../deployments/prove-deployment.ts';
import { unproven } from './prove-run.ts';
import { commands } from '../lifecycle/lifecycle-tables.ts';
import { runs } from './run-tables.ts';
import { storableJson, storableText } from '../connection/storable.ts';

export type RunEnd =
  | { readonly state: 'succeeded'; readonly outcome: RunOutcome }
  | { readonly state: 'failed'; readonly failure: RunFailure }
  | { readonly state: 'cancelled'; readonly reason: string };

/** Ends the run unless it has ended: the first result stays. Returns the run's current state. */
export async function endRun(
  context: RepositoryContext,
  tx: Transaction,
  id: Id,
  end: RunEnd,
): Promise<RunState['state']> {
  const row = await lockRun(tx, id);
  if (isFinal(row.run.state)) return row.run.state;
  if (end.state === 'succeeded' && end.outcome.kind !== row.run.kind)
    throw unproven(`run ${id} is a ${row.run.kind} run, but its outcome is that of a ${end.outcome.kind} run`, id);
  if (end.state === 'succeeded' && end.outcome.kind === 'deploy') await mustHaveDeployed(tx, row, end.outcome);
  const endedAt = toDate(context.clock.now());
  const common = { state: end.state, endedAt } as const;
  if (end.state === 'succeeded') {
    // A run that was never seen to begin gets its end time as its start time.
    await tx
      .update(runs)
      .set({ ...common, startedAt: row.run.startedAt ?? endedAt, outcome: storableJson(end.outcome) })
      .where(eq(runs.id, id));
  } else if (end.state === 'failed') {
    await tx
      .update(runs)
      .set({ ...common, failure: storableJson(end.failure) })
      .where(eq(runs.id, id));
  } else {
    await tx
      .update(runs)
      .set({ ...common, cancelReason: reasonOf(row, end.reason) })
      .where(eq(runs.id, id));
  }
  await noteEnd(context, tx, row, end);
  return end.state;
}

/**
 * Records ends of deployments and all cancellations in the ledger. Other ends were recorded by the commits of their
 * steps.
 */
async function noteEnd(context: RepositoryContext, tx: Transaction, row: RunRow, end: RunEnd): Promise<void> {
  const entry = entryOf(row, end);
  if (entry === undefined) return;
  const { id, modelId, environment } = row.run;
  const by = end.state === 'cancelled' ? ((await whoCancelled(tx, id)) ?? row.run.recordedBy) : row.run.recordedBy;
  const effectiveAt = await environmentNow(context, tx, { project: row.project, environment });
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: entry.kind,
    subject: { runId: id, kind: row.run.kind, ...entry.subject },
    reason: entry.reason,
    effectiveAt,
    by,
  });
}

/** Prefers the reason given with the cancellation request. The cancelled workflow does not know it. */
function reasonOf({ run }: Pick<RunRow, 'run'>, reason: string): string {
  return run.cancelRequested ?? storableText(reason);
}

function entryOf(
  { run }: RunRow,
  end: RunEnd,
): { kind: LedgerKind; subject: Record<string, JsonValue>; reason: string } | undefined {
  if (end.state === 'cancelled') return { kind: 'run.cancelled', subject: {}, reason: reasonOf({ run }, end.reason) };
  if (run.kind !== 'deploy') return undefined;
  if (end.state === 'failed')
    return {
      kind: 'deployment.ended',
      subject: { decision: 'failed', code: end.failure.code },
      reason: end.failure.message,
    };
  if (end.outcome.kind !== 'deploy') return undefined;
  const { decision, releaseId, releaseDigest, generation, reasons } = end.outcome;
  return {
    kind: 'deployment.ended',
    subject: { decision, releaseId, releaseDigest, generation, reasons },
    reason: reasons.join('; ') || decision,
  };
}

async function whoCancelled(tx: Transaction, runId: Id): Promise<Id | undefined> {
  const asked = and(
    sql`${commands.body} ->> 'kind' = 'cancel'`,
    sql`${commands.body} ->> 'runId' = ${runId}`,
    eq(commands.status, 'accepted'),
  );
  const [command] = await tx
    .select({ by: commands.recordedBy })
    .from(commands)
    .where(asked)
    .orderBy(commands.id)
    .limit(1);
  return command?.by;
}
