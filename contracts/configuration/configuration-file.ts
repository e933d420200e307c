import { Configuration } from './configuration.ts';
import { configurationProblems } from './configuration-checks.ts';
import type { KeyPath } from './configuration-problem.ts';
import { configurationError } from './configuration-problem.ts';
import { readConfigurationText } from './configuration-text.ts';
import { refuseUnstorable } from '../plain-value.ts';
import { schemaProblems } from '../schema-problems.ts';

type LineOf = (path: KeyPath) => number;

/**
 * `perennial.yaml`, or JSON of the same shape, with every default filled in. Throws `invalid-configuration` that names
 * every key that is wrong, its line and, where it is unknown, the nearest known one; `too-large`.
 */
export function parseConfigurationFile(text: string): Configuration {
  const { value, lineOf } = readConfigurationText(text);
  return check(value, lineOf);
}

/** The same of a value that has been parsed already, which has no lines. */
export function parseConfiguration(value: unknown): Configuration {
  return check(value, undefined);
}

function check(value: unknown, lineOf: LineOf | undefined): Configuration {
  refuseUnstorable(value, lineOf);
  const parsed = Configuration.safeParse(value);
  if (!parsed.success) throw configurationError(schemaProblems(parsed.error.issues), lineOf);
  const problems = configurationProblems(parsed.data);
  if (problems.length > 0) throw configurationError(problems, lineOf);
  return parsed.data;
}
