import { and, eq } from '../connection/orm.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Trigger, TriggerKind } from '../../contracts/runs/trigger.ts';
import { appendLedger, appendLedgerEntries } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { triggers } from './lifecycle-tables.ts';
import { inScope } from '../connection/in-scope.ts';

export interface TriggerInput {
  readonly kind: TriggerKind;
  readonly reason: string;
  readonly fingerprint: string;
  readonly by: Id;
}

export function toTrigger(row: typeof triggers.$inferSelect): Trigger {
  return { ...row, recordedAt: toInstant(row.recordedAt), effectiveAt: toInstant(row.effectiveAt) };
}

/**
 * Records a reason for a new build, once per kind and fingerprint in a scope. For a repeated one, returns the first
 * trigger in its current state, with `recorded: false`.
 */
export async function recordTrigger(
  context: Pick<RepositoryContext, 'clock' | 'ids'>,
  tx: Transaction,
  scope: Scope,
  input: TriggerInput,
): Promise<{ readonly trigger: Trigger; readonly recorded: boolean }> {
  const { modelId, environment } = scope;
  const now = await environmentNow(context, tx, scope);
  const [row] = await tx
    .insert(triggers)
    .values({
      id: context.ids.next(),
      modelId,
      environment,
      kind: input.kind,
      reason: input.reason,
      fingerprint: input.fingerprint,
      status: 'pending',
      effectiveAt: toDate(now),
      recordedBy: input.by,
    })
    .onConflictDoNothing()
    .returning();
  if (row === undefined) {
    const same = and(
      inScope(triggers, { modelId, environment }),
      eq(triggers.kind, input.kind),
      eq(triggers.fingerprint, input.fingerprint),
    );
    const [first] = await tx.select().from(triggers).where(same);
    if (first === undefined) throw new Error(`trigger ${input.kind} ${input.fingerprint} existed before, but is gone`);
    return { trigger: toTrigger(first), recorded: false };
  }
  await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'trigger.recorded',
    subject: { triggerId: row.id, kind: row.kind, fingerprint: row.fingerprint },
    reason: input.reason,
    effectiveAt: now,
    by: input.by,
  });
  return { trigger: toTrigger(row), recorded: true };
}

/** Records several triggers in order, in few statements. Triggers that are known already are skipped. */
export async function recordTriggers(
  context: Pick<RepositoryContext, 'clock' | 'ids'>,
  tx: Transaction,
  scope: Scope,
  inputs: readonly TriggerInput[],
): Promise<void> {
  if (inputs.length === 0) return;
  const { modelId, environment } = scope;
  const now = await environmentNow(context, tx, scope);
  const rows = inputs.map(({ by, ...input }) => ({
    ...input,
    id: context.ids.next(),
    modelId,
    environment,
    status: 'pending' as const,
    effectiveAt: toDate(now),
    recordedBy: by,
  }));
  const made = await tx.insert(triggers).values(rows).onConflictDoNothing().returning({ id: triggers.id });
  const isNew = new Set(made.map((row) => row.id));
  await appendLedgerEntries(
    context,
    tx,
    modelId,
    rows
      .filter((row) => isNew.has(row.id))
      .map(({ id, kind, fingerprint, reason, recordedBy }) => ({
        environment,
        kind: 'trigger.recorded',
        subject: { triggerId: id, kind, fingerprint },
        reason,
        effectiveAt: now,
        by: recordedBy,
      })),
  );
}
