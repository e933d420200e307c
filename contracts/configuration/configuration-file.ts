import { Configuration } from './configuration.ts';
import { configurationProblems } from './configuration-checks.ts';
import type { KeyPath } from './configuration-problem.ts';
import { configurationError } from './configuration-problem.ts';
import { readConfigurationText } from './configuration-text.ts';
import { refuseUnstorable } from '../plain-value.ts';
import { schemaProblems } from '../schema-problems.ts';

type LineOf = (path: KeyPath) => number;

/**
 * Parses `perennial.yaml`, or JSON of the same structure, and fills in every default. Throws `invalid-configuration`,
 * which names every wrong key with its line and, for an unknown key, the nearest known one; or `too-large`.
 */
export function parseConfigurationFile(text: string): Configuration {
  const { value, lineOf } = readConfigurationText(text);
  return check(value, lineOf);
}

/** Checks a value that is already parsed. Its problems have no line numbers. */
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
