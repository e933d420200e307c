import { and, asc, eq, inArray, isNull, lt, or } from '../connection/orm.ts';
import type { CommandBody } from '../../contracts/runs/command.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { recordTriggers, type TriggerInput } from './record-trigger.ts';
import { commands } from './lifecycle-tables.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { storableText } from '../connection/storable.ts';
import { inScope } from '../connection/in-scope.ts';

/** Maximum number of commands per pass. The next pass follows at once and takes the rest. */
export const commandsAtOnce = 500;

/** Takes the scope's pending commands in the order of submission. Returns their number. */
export async function takeCommands(context: RepositoryContext, tx: Transaction, scope: Scope): Promise<number> {
  const pending = await tx
    .select()
    .from(commands)
    .where(and(inScope(commands, scope), eq(commands.status, 'pending')))
    .orderBy(asc(commands.id))
    .limit(commandsAtOnce)
    .for('update');
  const accepted: Id[] = [];
  let triggers: TriggerInput[] = [];
  const recordThose = async (): Promise<void> => {
    await recordTriggers(context, tx, scope, triggers);
    triggers = [];
  };
  for (const { id, body, recordedBy } of pending) {
    if (body.kind === 'trigger') {
      // Triggers are recorded together, because there may be thousands.
      triggers.push(triggerOf(body, recordedBy));
      accepted.push(id);
      continue;
    }
    await recordThose();
    const refusal = await take(context, tx, scope, { id, body, by: recordedBy });
    if (refusal === null) accepted.push(id);
    else await refuse(context, tx, scope, { id, body, by: recordedBy }, refusal);
  }
  await recordThose();
  if (accepted.length > 0) await tx.update(commands).set({ status: 'accepted' }).where(inArray(commands.id, accepted));
  return pending.length;
}

type TriggerCommand = Extract<CommandBody, { readonly kind: 'trigger' }>;

function triggerOf({ trigger, reason, fingerprint }: TriggerCommand, by: Id): TriggerInput {
  return { kind: trigger, reason: storableText(reason), fingerprint, by };
}

interface Taken {
  readonly id: Id;
  readonly body: Exclude<CommandBody, TriggerCommand>;
  readonly by: Id;
}

/** Carries out one command. Returns null if it was accepted, otherwise the reason for the refusal. */
async function take(context: RepositoryContext, tx: Transaction, scope: Scope, taken: Taken): Promise<string | null> {
  const { body, by } = taken;
  switch (body.kind) {
    case 'run':
      // The queued run was written with the command, and the plan starts it.
      return null;
    case 'resume':
      return resume(context, tx, scope, body.reason, by);
    case 'cancel':
      return requestCancel(tx, scope, body.runId, body.reason);
    case 'settle':
      return settle(tx, scope, body.asOf);
  }
}

async function resume(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  reason: string,
  by: Id,
): Promise<string | null> {
  const [heads] = await tx
    .select({ holdReason: modelEnvironments.holdReason })
    .from(modelEnvironments)
    .where(inScope(modelEnvironments, scope));
  if (heads?.holdReason === null || heads === undefined) return null;
  await tx.update(modelEnvironments).set({ holdReason: null }).where(inScope(modelEnvironments, scope));
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'promotion.resumed',
    subject: { held: heads.holdReason },
    reason,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  return null;
}

/** Returns a refusal instead of throwing, so that one impossible command does not block the commands after it. */
async function requestCancel(tx: Transaction, scope: Scope, runId: Id, reason: string): Promise<string | null> {
  const here = and(eq(runs.id, runId), inScope(runs, scope));
  const [run] = await tx.select({ state: runs.state }).from(runs).where(here).for('update');
  if (run === undefined) return `there is no run ${runId} in ${scopeLabel(scope)}`;
  if (isFinal(run.state)) return `the run has already ended (${run.state})`;
  await tx
    .update(runs)
    .set({ cancelRequested: storableText(reason) })
    .where(and(here, isNull(runs.cancelRequested)));
  return null;
}

async function settle(tx: Transaction, scope: Scope, asOf: string): Promise<string | null> {
  const where = and(eq(environments.project, scope.project), eq(environments.name, scope.environment));
  const [environment] = await tx.select().from(environments).where(where);
  if (environment === undefined || environment.virtualNow === null)
    return 'only an environment with a virtual clock can be settled; this environment runs on the wall clock';
  const at = toDate(asOf);
  if (environment.virtualNow < at) await tx.update(environments).set({ virtualNow: at }).where(where);
  // A late settle command must not undo one of a later period.
  const later = or(isNull(modelEnvironments.settledAt), lt(modelEnvironments.settledAt, at));
  await tx
    .update(modelEnvironments)
    .set({ settledAt: at })
    .where(and(inScope(modelEnvironments, scope), later));
  return null;
}

async function refuse(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { id, body, by }: Taken,
  refusal: string,
): Promise<void> {
  await tx.update(commands).set({ status: 'refused', refusal }).where(eq(commands.id, id));
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'command.refused',
    subject: { commandId: id, kind: body.kind },
    reason: refusal,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
}
