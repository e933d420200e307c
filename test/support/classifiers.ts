import { readFileSync } from 'node:fs';
import type { Cell } from '../../contracts/data/data-types.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import expected from '../fixtures/classifiers/expected.json' with { type: 'json' };

export type ClassifierName = keyof typeof expected;

/** A classifier as skl2onnx exports it, with input rows and scikit-learn's predictions for them. */
export interface Classifier {
  readonly bytes: Uint8Array;
  readonly features: readonly string[];
  readonly inputs: Readonly<Record<string, readonly Cell[]>>;
  readonly rows: number;
  readonly classes: readonly ClassValue[];
  readonly labels: readonly ClassValue[];
  readonly probabilities: readonly (readonly number[])[] | null;
}

export function classifier(name: ClassifierName): Classifier {
  const { inputs, ...rest } = expected[name];
  const bytes = readFileSync(new URL(`../fixtures/classifiers/${name}.onnx`, import.meta.url));
  return { ...rest, bytes, inputs, features: Object.keys(inputs), rows: rest.labels.length };
}
