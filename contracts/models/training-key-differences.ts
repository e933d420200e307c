import { z } from 'zod';
import { canonicalJson } from '../canonical.ts';
import type { TrainingKeyParts } from './model-version.ts';

/**
 * A part in which two training keys differ: the values of parameters and features, and digests for other parts. null:
 * the training key does not have the part.
 */
export const TrainingKeyDifference = z.object({
  /** e.g. `code`, `environment.lock`, `params.max_iter` */
  part: z.string(),
  before: z.json(),
  after: z.json(),
});
export type TrainingKeyDifference = z.infer<typeof TrainingKeyDifference>;

type Value = TrainingKeyDifference['before'];

/** Returns the parts in which two training keys differ, and the names of the equal parts. */
export function trainingKeyDifferences(
  before: TrainingKeyParts,
  after: TrainingKeyParts,
): { readonly differences: TrainingKeyDifference[]; readonly same: string[] } {
  const [earlier, later] = [flattened(before), flattened(after)];
  const parts = [...new Set([...earlier.keys(), ...later.keys()])];
  const differences: TrainingKeyDifference[] = [];
  const same: string[] = [];
  for (const part of parts) {
    const [was, is] = [earlier.get(part) ?? null, later.get(part) ?? null];
    if (canonicalJson(was) === canonicalJson(is)) same.push(part);
    else differences.push({ part, before: was, after: is });
  }
  return { differences, same };
}

function flattened(parts: TrainingKeyParts): Map<string, Value> {
  const { training, holdout, target, features, code, environment, params, seed, classes, output, refitOf } = parts;
  return new Map<string, Value>([
    ['training rows', training],
    ['holdout rows', holdout],
    ['target', target],
    ['features', features],
    ['code', code],
    ['environment.lock', environment.lock],
    ['environment.interpreter', environment.interpreter],
    ['environment.platform', environment.platform],
    ...Object.entries(params).map(([name, value]): [string, Value] => [`params.${name}`, value]),
    ['seed', seed],
    ...(classes === undefined ? [] : [['classes', classes] satisfies [string, Value]]),
    ...(output === undefined ? [] : [['output', output] satisfies [string, Value]]),
    ['refit', refitOf !== undefined],
  ]);
}
