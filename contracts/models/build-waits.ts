import { shiftInstant } from '../time/shift-instant.ts';
import type { Instant } from '../identifiers.ts';
import type { LifecycleSnapshot } from '../runs/lifecycle-plan.ts';
import { isFinal } from '../runs/run.ts';

/** A build waits until no trigger has arrived for one debounce period, but at most for this many debounce periods. */
const debouncesAtMost = 10;

export interface BuildWait {
  readonly for: 'debounce' | 'cooldown' | 'budget' | 'build' | 'rollback';
  /** null: until the run that causes the wait has ended. */
  readonly until: Instant | null;
}

/**
 * Returns the triggers that may lead to a build: manual and scheduled triggers, and the kinds listed in `retrain.on`.
 */
export function wantedTriggers({ policy, triggers }: LifecycleSnapshot): LifecycleSnapshot['triggers'] {
  return triggers.filter(
    ({ kind }) => kind === 'manual' || kind === 'schedule' || (policy?.on ?? []).some((listed) => listed === kind),
  );
}

/**
 * Returns what an automated build still waits for. If one of the triggers is manual, neither debounce nor cooldown
 * applies.
 */
export function buildWaits(snapshot: LifecycleSnapshot): readonly BuildWait[] {
  const { now, timezone, lastBuildAt, policy, settled, buildsInPeriod, budgetRenewsAt } = snapshot;
  const wanted = wantedTriggers(snapshot);
  if (policy === null || wanted.length === 0) return [];
  const waits: BuildWait[] = [];
  // A build that is being cancelled occupies its slot until it has ended. A build started during a rollback would be
  // preempted.
  for (const kind of ['build', 'rollback'] as const)
    if (snapshot.runs.some((run) => run.kind === kind && !isFinal(run.state))) waits.push({ for: kind, until: null });
  if (!wanted.some(({ kind }) => kind === 'manual')) {
    if (!settled) waits.push({ for: 'debounce', until: debouncedAt(wanted, policy.debounce, timezone) });
    if (lastBuildAt !== null)
      waits.push({ for: 'cooldown', until: shiftInstant(lastBuildAt, policy.cooldown, 1, timezone) });
  }
  const allowed = Number(policy.budget.split(' ')[0]);
  if (buildsInPeriod >= allowed) waits.push({ for: 'budget', until: budgetRenewsAt });
  return waits.filter(({ until }) => until === null || until > now);
}

function debouncedAt(wanted: LifecycleSnapshot['triggers'], debounce: string, timezone: string): Instant {
  const times = wanted.map(({ effectiveAt }) => effectiveAt).sort();
  const [oldest = '', newest = ''] = [times[0], times.at(-1)];
  const quiet = shiftInstant(newest, debounce, 1, timezone);
  const patience = shiftInstant(oldest, debounce, debouncesAtMost, timezone);
  return quiet < patience ? quiet : patience;
}
