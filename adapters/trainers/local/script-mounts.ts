import type { Mount } from '../../sandbox/sandbox.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';

/**
 * Paths in the sandbox. They are the same in every attempt, so that output that contains a path does not differ between
 * runs.
 */
export const sandboxPaths = {
  code: '/perennial/code',
  params: '/perennial/params.json',
  output: '/perennial/output',
  temporary: '/tmp',
} as const satisfies Omit<ScriptPaths, 'given'>;

/** Node looks for packages in the folders above a script's own. */
const modulesPath = '/perennial/node_modules';

export function givenInside({ variable, name }: GivenFile): GivenFile {
  return { variable, name, path: `/perennial/${name}` };
}

/**
 * Returns the mounts of a script. `programs` are readable at their own paths; `modules` is the `node_modules` of an npm
 * lock.
 */
export function mountsOf(outside: ScriptPaths, programs: readonly string[], modules: string | null): Mount[] {
  return [
    // Mounted before the programs, because one of them may lie below it.
    { source: outside.temporary, target: sandboxPaths.temporary, writable: true },
    ...programs.map((source) => ({ source, optional: true })),
    { source: outside.code, target: sandboxPaths.code },
    ...(modules === null ? [] : [{ source: modules, target: modulesPath }]),
    ...outside.given.map((file) => ({ source: file.path, target: givenInside(file).path })),
    { source: outside.params, target: sandboxPaths.params },
    { source: outside.output, target: sandboxPaths.output, writable: true },
  ];
}
