import { shiftInstant } from '../time/shift-instant.ts';
import type { Instant } from '../identifiers.ts';
import type { LifecycleSnapshot } from '../runs/lifecycle-plan.ts';
import { isFinal } from '../runs/run.ts';

/** While triggers keep coming, a build waits for a quiet debounce, but never longer than this many of them. */
const debouncesAtMost = 10;

export interface BuildWait {
  readonly for: 'debounce' | 'cooldown' | 'budget' | 'build' | 'rollback';
  /** null: until that run has ended. */
  readonly until: Instant | null;
}

/** The triggers that `retrain.on` lets lead to a build: a person's and a schedule's always do. */
export function wantedTriggers({ policy, triggers }: LifecycleSnapshot): LifecycleSnapshot['triggers'] {
  return triggers.filter(
    ({ kind }) => kind === 'manual' || kind === 'schedule' || (policy?.on ?? []).some((listed) => listed === kind),
  );
}

/** What an automated build waits for, now. A person's trigger waits for the budget, and for what runs, only. */
export function buildWaits(snapshot: LifecycleSnapshot): readonly BuildWait[] {
  const { now, timezone, lastBuildAt, policy, settled, buildsInPeriod, budgetRenewsAt } = snapshot;
  const wanted = wantedTriggers(snapshot);
  if (policy === null || wanted.length === 0) return [];
  const waits: BuildWait[] = [];
  // One that is being cancelled builds until it has ended, and one made during a rollback would only be preempted.
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
