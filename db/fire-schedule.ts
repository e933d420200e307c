import { and, eq } from './orm.ts';
import { isDueAt } from '../contracts/cron.ts';
import type { Command } from '../contracts/command.ts';
import { PerennialError } from '../contracts/errors.ts';
import type { Id, Instant, Scope } from '../contracts/identifiers.ts';
import { scopeLabel } from '../contracts/identifiers.ts';
import type { Transaction } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { insertCommand } from './insert-command.ts';
import { toInstant } from './instants.ts';
import { proveScope } from './prove-run.ts';
import { schedules } from './schema.ts';

/** A firing may be told this late (Temporal makes up for an hour), or this early, where clocks differ. */
const lateAtMostMs = 24 * 60 * 60_000;
const earlyAtMostMs = 60_000;

/**
 * The `schedule` trigger of one firing. That it is due is proved by the schedule's own row, so that whoever invents a
 * firing gets the trigger that the schedule gives anyway, once.
 */
export async function fireSchedule(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { schedule: name, firedAt, by }: { readonly schedule: string; readonly firedAt: Instant; readonly by: Id },
): Promise<Command> {
  await proveScope(tx, scope);
  const [row] = await tx
    .select()
    .from(schedules)
    .where(
      and(eq(schedules.modelId, scope.modelId), eq(schedules.environment, scope.environment), eq(schedules.name, name)),
    );
  const refused = (why: string): PerennialError =>
    new PerennialError(
      'unproven',
      `schedule ${name} of ${scopeLabel(scope)} does not fire at ${firedAt}: ${why}; \`perennial trigger\` asks for a build now`,
      { schedule: name, firedAt },
    );
  if (row === undefined) throw refused('there is no such schedule');
  if (row.paused) throw refused('it is paused');
  const lateMs = Date.parse(context.clock.now()) - Date.parse(firedAt);
  if (lateMs > lateAtMostMs || lateMs < -earlyAtMostMs) throw refused('that is not now');
  if (firedAt < toInstant(row.recordedAt)) throw refused('it was set after that');
  if (!isDueAt(row.cron, firedAt, row.timezone)) throw refused(`it is ${row.cron} in ${row.timezone}`);
  const firing = `${name} at ${firedAt}`;
  const body = {
    kind: 'trigger',
    schemaVersion: 1,
    trigger: 'schedule',
    reason: `schedule ${name}`,
    fingerprint: firing,
  } as const;
  return insertCommand(context, tx, scope, body, by, {
    key: `${scope.modelId}/${scope.environment}/${firing}`,
    route: 'schedule',
  });
}
