import type { ConfigurationProblem, KeyPath } from './configuration/configuration-problem.ts';
import { configurationError } from './configuration/configuration-problem.ts';

const deepest = 32;
/**
 * Limit on the characters of all texts and keys, plus one per value. JSON of 1 MiB stays within this limit, but YAML
 * aliases can expand beyond it.
 */
const mostUnits = 1024 * 1024;

interface Visit {
  readonly path: KeyPath;
  readonly value: unknown;
}

/**
 * Throws `invalid-configuration` for values that JSON, Postgres or a digest cannot hold: text with a NUL character or
 * an unpaired surrogate, the key `__proto__`, values nested too deeply (or inside themselves), and values larger than
 * the limit.
 */
export function refuseUnstorable(value: unknown, lineOf: ((path: KeyPath) => number) | undefined): void {
  const waiting: Visit[] = [{ path: [], value }];
  let units = 0;
  for (let visit = waiting.pop(); visit; visit = waiting.pop()) {
    const { path } = visit;
    const children = childrenOf(visit);
    units += 1 + (typeof visit.value === 'string' ? visit.value.length : 0) + String(path.at(-1) ?? '').length;
    const message =
      units > mostUnits ? 'the configuration expands to more than 1 MiB here' : problemOf(visit, children.length > 0);
    if (message !== undefined) {
      const problem: ConfigurationProblem = { path, message };
      throw configurationError([problem], lineOf);
    }
    for (const child of children) waiting.push(child);
  }
}

function problemOf({ path, value }: Visit, hasChildren: boolean): string | undefined {
  if (path.length >= deepest && hasChildren) return `is nested more than ${deepest} levels deep`;
  const key = path.at(-1);
  if (key === '__proto__') return 'is not allowed as the name of a key';
  if (typeof key === 'string' && !isStorable(key)) return 'the key contains a NUL character or half a surrogate pair';
  if (typeof value === 'string' && !isStorable(value))
    return 'the text contains a NUL character or half a surrogate pair';
  return undefined;
}

function childrenOf({ path, value }: Visit): Visit[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => ({ path: [...path, index], value: item }));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).map(([key, item]: [string, unknown]) => ({ path: [...path, key], value: item }));
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
