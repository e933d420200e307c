import type { Scope } from '../../contracts/identifiers.ts';
import { scheduleId } from '../../contracts/runs/workflows.ts';
import { compareSchedule, straySchedules } from '../keeping/reconcile-schedules.ts';
import type { Check, Looked, Parts } from './check.ts';

const wayOut = 'perennial doctor --fix makes the schedule in Temporal match the database';
const scopesAPage = 50;

/**
 * Compares schedules in the database with those in Temporal, in both directions. The repair makes Temporal match the
 * database.
 */
export const checkSchedules: Check = async (parts, { after, fix }) => {
  const scopes = await parts.repositories.models.scopes();
  const from = Number(after ?? 0);
  const some = scopes.slice(from, from + scopesAPage);
  const problems: Looked['problems'][number][] = [];
  let examined = 0;
  for (const scope of some) {
    const looked = await compareScope(parts, scope, fix);
    examined += looked.examined;
    problems.push(...looked.problems);
  }
  if (from + some.length < scopes.length) return { examined, problems, next: String(from + some.length) };
  return { examined, problems: [...problems, ...(await strays(parts, fix))] };
};

async function compareScope(parts: Parts, scope: Scope, fix: boolean): Promise<Looked> {
  const schedules = await parts.repositories.schedules.list(scope);
  const problems: Looked['problems'][number][] = [];
  for (const schedule of schedules) {
    const what = await compareSchedule(parts, scope, schedule, fix);
    if (what === undefined) continue;
    const subject = `schedule ${scheduleId(scope, schedule.name)}`;
    problems.push({ subject, what, state: fix ? 'mended' : 'found', wayOut });
  }
  return { examined: schedules.length, problems };
}

async function strays(parts: Parts, fix: boolean): Promise<Looked['problems']> {
  return (await straySchedules(parts, fix)).map((id) => ({
    subject: `schedule ${id}`,
    what: 'it exists in Temporal, but not in the database',
    state: fix ? ('mended' as const) : ('found' as const),
    wayOut: 'perennial doctor --fix removes it from Temporal; perennial schedule set creates a schedule in both',
  }));
}
