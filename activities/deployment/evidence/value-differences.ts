import type { ValueDifference } from '../../../contracts/serving/approval-evidence.ts';
import { canonicalJson } from '../../../contracts/canonical.ts';

/** Returns the differences of two JSON values by the paths of their leaves. A list counts as one leaf. */
export function valueDifferences(before: unknown, after: unknown): ValueDifference[] {
  return between(leavesOf(before), leavesOf(after));
}

/** Returns the differences of two pip lock files by package. Options and hashes are ignored. */
export function dependencyDifferences(before: string | null, after: string | null): ValueDifference[] {
  return between(pinsIn(before ?? ''), pinsIn(after ?? ''));
}

function between(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): ValueDifference[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .map((name) => ({ name, before: before.get(name) ?? null, after: after.get(name) ?? null }))
    .filter((difference) => difference.before !== difference.after);
}

function leavesOf(value: unknown, path: readonly string[] = []): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return value === undefined ? new Map() : new Map([[path.join('.'), canonicalJson(value)]]);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, [...path, key])]));
}

const pin = /^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*(==|@|>=|~=|<=|<|>)\s*([^\s;\\]+)/;

function pinsIn(lock: string): Map<string, string> {
  const pins = lock.split('\n').flatMap((line) => {
    const [, name, sign, version] = pin.exec(line.trim()) ?? [];
    if (name === undefined || version === undefined) return [];
    const shown = sign === '==' ? version : `${sign ?? ''} ${version}`;
    return [[name.toLowerCase().replaceAll(/[._]/g, '-'), shown] as const];
  });
  return new Map(pins);
}
