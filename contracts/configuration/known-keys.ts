import { z } from 'zod';
import { Configuration } from './configuration.ts';
import type { KeyPath } from './configuration-problem.ts';

type Schema = z.core.JSONSchema.JSONSchema;

let whole: Schema | undefined;

/** Returns the keys that the schema allows at `path`, including those of all alternatives. */
export function knownKeysAt(path: KeyPath): string[] {
  whole ??= z.toJSONSchema(Configuration, { io: 'input' });
  let schemas: Schema[] = alternatives(whole);
  for (const step of path) schemas = schemas.flatMap((schema) => below(schema, step));
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function below(schema: Schema, step: string | number): Schema[] {
  const next = typeof step === 'number' ? schema.items : schema.properties?.[step];
  return typeof next === 'object' && !Array.isArray(next) ? alternatives(next) : [];
}

function alternatives(schema: Schema): Schema[] {
  const options = schema.anyOf ?? schema.oneOf;
  return options === undefined ? [schema] : options.flatMap(alternatives);
}
