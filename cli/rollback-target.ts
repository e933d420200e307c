import type { Generation, Slot } from '../contracts/serving/deployment.ts';
import { PerennialError } from '../contracts/errors.ts';

const digestPrefix = /^[0-9a-f]{8,64}$/;
const versionNumber = /^[1-9]\d{0,5}$/;

/**
 * Returns the digest of the release that `named` refers to: by the number of a version that served, or by a digest or
 * its beginning.
 */
export function releaseNamed(named: string, history: readonly Generation[]): string {
  const slots = history.flatMap((generation) => generation.slots);
  const found = new Set(
    versionNumber.test(named)
      ? slots.filter((slot) => slot.modelVersionNumber === Number(named)).map((slot) => slot.releaseDigest)
      : slots
          .map((slot) => slot.releaseDigest)
          .filter((digest) => digestPrefix.test(named) && digest.startsWith(named)),
  );
  const [newest] = found;
  // A version number refers to its newest release. The beginning of a digest must match exactly one release.
  if (newest !== undefined && (found.size === 1 || versionNumber.test(named))) return newest;
  if (/^[0-9a-f]{64}$/.test(named)) return named;
  throw new PerennialError(
    'invalid-request',
    `--to ${named} ${found.size > 1 ? 'matches several releases' : 'matches no release that served in this environment'}; choose a version or a release that perennial served --at shows`,
    { to: named },
  );
}

/**
 * Returns the release to which a rollback would most likely lead, to show it before asking for confirmation: the last
 * champion that no later rollback has withdrawn. The API makes the decision, because it knows more than the history
 * that it returns.
 */
export function releaseBefore(history: readonly Generation[]): Slot | undefined {
  const [now] = history;
  const champion = championOf(now);
  if (now === undefined || champion === undefined) return undefined;
  if (now.slots.some(({ role }) => role === 'canary')) return champion;
  const withdrawn = withdrawnIn(history);
  return history
    .flatMap((generation) => championOf(generation) ?? [])
    .find(({ releaseId }) => releaseId !== champion.releaseId && !withdrawn.has(releaseId));
}

function withdrawnIn(newestFirst: readonly Generation[]): ReadonlySet<string> {
  const withdrawn = new Set<string>();
  let before: readonly Slot[] = [];
  for (const { change, slots } of newestFirst.toReversed()) {
    if (change === 'rollback') for (const { releaseId } of before) withdrawn.add(releaseId);
    for (const { releaseId } of slots) withdrawn.delete(releaseId);
    before = slots;
  }
  return withdrawn;
}

function championOf(generation: Generation | undefined): Slot | undefined {
  return generation?.slots.find(({ role }) => role === 'champion');
}
