import { and, eq } from '../connection/orm.ts';
import type { Command } from '../../contracts/runs/command.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { lengthInWords } from '../../contracts/time/duration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { isDueAt, lastFiring } from '../../contracts/time/firings.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { insertCommand } from '../lifecycle/insert-command.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { proveScope } from '../runs/prove-run.ts';
import { schedules } from './schedule-tables.ts';
import { inScope } from '../connection/in-scope.ts';

/** Maximum time by which a firing may be early, because clocks differ. */
const earlyAtMostMs = 60_000;
/** A firing that is later than this counts as missed, and is made up for only if it is the latest one due. */
const promptWithinMs = 60 * 60_000;
/** From this lateness on, the ledger records that a firing was late. */
const lateAfterMs = 3 * 60_000;

type Row = typeof schedules.$inferSelect;

/**
 * Writes the `schedule` trigger of one firing. The schedule's row proves that the firing is due, so a forged firing can
 * only cause the trigger that is due anyway, once. If several firings were missed, only the latest one fires.
 */
export async function fireSchedule(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  { schedule: name, firedAt, by }: { readonly schedule: string; readonly firedAt: Instant; readonly by: Id },
): Promise<Command> {
  await proveScope(tx, scope);
  const here = and(inScope(schedules, scope), eq(schedules.name, name));
  // The lock orders concurrent firings of one schedule, so that an earlier firing never follows a later one.
  const [row] = await tx.select().from(schedules).where(here).for('update');
  const now = context.clock.now();
  const why = row === undefined ? 'there is no such schedule' : whyNotDue(row, firedAt, now);
  if (why !== undefined)
    throw new PerennialError(
      'unproven',
      `schedule ${name} of ${scopeLabel(scope)} does not fire at ${firedAt}: ${why}; \`perennial trigger\` requests a build now`,
      { schedule: name, firedAt },
    );
  await tx
    .update(schedules)
    .set({ lastFiredAt: toDate(firedAt) })
    .where(here);
  const firing = `${name} at ${firedAt}`;
  const body = {
    kind: 'trigger',
    schemaVersion: 1,
    trigger: 'schedule',
    reason: `schedule ${name}${lateness(firedAt, now)}`,
    fingerprint: firing,
  } as const;
  return insertCommand(context, tx, scope, body, by, {
    key: `${scope.modelId}/${scope.environment}/${firing}`,
    route: 'schedule',
    // Leaves out the lateness in the reason, which differs between attempts of the same firing.
    requestDigest: sha256OfJson({ firing }),
  });
}

/** Returns the reason why the schedule does not fire, or `undefined` if it does. */
function whyNotDue(row: Row, firedAt: Instant, now: Instant): string | undefined {
  const recordedAt = toInstant(row.recordedAt);
  const lateMs = Date.parse(now) - Date.parse(firedAt);
  if (row.paused) return 'it is paused';
  if (lateMs < -earlyAtMostMs) return 'that time has not come yet';
  if (firedAt < recordedAt) return 'it was set after that time';
  if (!isDueAt(row, firedAt)) return `its times are ${row.cron} in ${row.timezone}`;
  if (row.lastFiredAt !== null && firedAt < toInstant(row.lastFiredAt)) return 'a later firing has already happened';
  if (lateMs > promptWithinMs && lastFiring(row, firedAt, now) !== firedAt)
    return 'it was missed, and a later firing makes up for it';
  return undefined;
}

function lateness(firedAt: Instant, now: Instant): string {
  const lateMs = Date.parse(now) - Date.parse(firedAt);
  return lateMs < lateAfterMs ? '' : `, due at ${firedAt} and made up ${lengthInWords(lateMs)} late`;
}
