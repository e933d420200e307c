import type { z } from 'zod';
import type { ConfigurationProblem, KeyPath } from './configuration/configuration-problem.ts';
import { knownKeysAt } from './configuration/known-keys.ts';
import { nearestKey } from './configuration/nearest-key.ts';

type Issue = z.core.$ZodIssue;

/**
 * Returns the problems that the schema found, in plain words, with one problem per unknown key. Unknown keys come
 * first, because a misspelt key is often why another is missing, and the error's fields describe the first problem.
 */
export function schemaProblems(issues: readonly Issue[]): ConfigurationProblem[] {
  const problems = problemsOf(issues, []);
  const isUnknown = ({ nearest }: ConfigurationProblem): boolean => nearest !== undefined;
  return [...problems.filter(isUnknown), ...problems.filter((problem) => !isUnknown(problem))];
}

function problemsOf(issues: readonly Issue[], above: KeyPath): ConfigurationProblem[] {
  return issues.flatMap((issue) => {
    const path = [...above, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key));
    if (issue.code === 'invalid_union') return unionProblems(issue.errors, path);
    return [{ path, message: wording(issue) }];
  });
}

function unknownKey(path: KeyPath, key: string): ConfigurationProblem {
  const known = knownKeysAt(path);
  const place = [...path, key];
  if (known.includes(key)) return { path: place, message: 'cannot be combined with the keys beside it' };
  const nearest = nearestKey(key, known);
  return {
    path: place,
    message: nearest === undefined ? 'unknown key' : `unknown key; the nearest known key is ${nearest}`,
    nearest,
  };
}

/**
 * Returns the problems of the alternative that was most likely meant: the one with the fewest unknown keys, then with
 * the fewest other problems.
 */
function unionProblems(errors: readonly (readonly Issue[])[], path: KeyPath): ConfigurationProblem[] {
  const cost = (issues: readonly Issue[]): number =>
    issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 10 * issue.keys.length : 1), 0);
  const [likeliest] = errors.toSorted((a, b) => cost(a) - cost(b));
  return likeliest === undefined ? [{ path, message: 'has none of the known forms' }] : problemsOf(likeliest, path);
}

function wording(issue: Issue): string {
  const text = issue.message.replace(/^Invalid (input|option): /, '');
  return text.endsWith(', received undefined') ? `is missing; ${text.replace(', received undefined', '')}` : text;
}
