import type { ErrorFields } from '../errors.ts';
import { PerennialError } from '../errors.ts';

/** A place in a configuration: `['build', 'gates', 0, 'metric']`. */
export type KeyPath = readonly (string | number)[];

/** One thing that is wrong, and where. */
export interface ConfigurationProblem {
  readonly path: KeyPath;
  readonly message: string;
  /** For an unknown key: the known one that it was most likely meant to be. */
  readonly nearest?: string;
}

/** `build.gates[0].metric`, as people write it; the root is `the file`. */
export function spellPath(path: KeyPath): string {
  const spelled = path
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[\w-]{1,200}$/.test(step) ? `.${step}` : `[${JSON.stringify(shortened(step))}]`;
    })
    .join('');
  return spelled === '' ? 'the file' : spelled.replace(/^\./, '');
}

/** RFC 6901. */
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
 * All problems in one error. Its fields point at the first, for editors that show one: `pointer`, `line` where the text is
 * known, and `nearest` for an unknown key.
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
