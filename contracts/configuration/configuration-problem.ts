import type { ErrorFields } from '../errors.ts';
import { PerennialError } from '../errors.ts';

/** The path of a key in a configuration: `['build', 'gates', 0, 'metric']`. */
export type KeyPath = readonly (string | number)[];

/** One problem in a configuration. */
export interface ConfigurationProblem {
  readonly path: KeyPath;
  readonly message: string;
  /** For an unknown key: the known key that was most likely meant. */
  readonly nearest?: string;
}

/** Returns a path in the notation for people, such as `build.gates[0].metric`; the root is `the file`. */
export function spellPath(path: KeyPath): string {
  const spelled = path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[\w-]{1,200}$/.test(step) ? `.${step}` : `[${JSON.stringify(shortened(step))}]`;
    })
    .join('');
  return spelled === '' ? 'the file' : spelled.replace(/^\./, '');
}

/** Returns a path as a JSON pointer (RFC 6901). */
export function pointerOf(path: KeyPath): string {
  return path
    .map((step) => `/${shortened(String(step)).toWellFormed().replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

function shortened(step: string): string {
  return step.length > 200 ? `${step.slice(0, 200)}…` : step;
}

const mostProblems = 20;

/**
 * Combines all problems into one error. Its fields describe the first problem, for editors that show only one:
 * `pointer`, `line` if the text is known, and `nearest` for an unknown key.
 */
export function configurationError(
  problems: readonly ConfigurationProblem[],
  lineOf: ((path: KeyPath) => number) | undefined,
): PerennialError {
  const said = problems.slice(0, mostProblems).map(({ path, message }) => {
    const place = lineOf === undefined ? '' : ` (line ${lineOf(path)})`;
    return `${spellPath(path)}${place}: ${message}`;
  });
  if (problems.length > mostProblems) said.push(`and ${problems.length - mostProblems} more`);
  return new PerennialError('invalid-configuration', `the configuration cannot be used: ${said.join('; ')}`, {
    ...placeOf(problems[0], lineOf),
    problems: said,
  });
}

function placeOf(problem: ConfigurationProblem | undefined, lineOf?: (path: KeyPath) => number): ErrorFields {
  if (problem === undefined) return {};
  const { path, nearest } = problem;
  return {
    pointer: pointerOf(path),
    key: spellPath(path),
    ...(lineOf === undefined ? {} : { line: lineOf(path) }),
    ...(nearest === undefined ? {} : { nearest }),
  };
}
