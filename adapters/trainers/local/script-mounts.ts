import type { Mount } from '../../sandbox/sandbox.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';

/** The same paths in every attempt: what a script writes of them into its output does not differ from run to run. */
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

/** `programs` are readable under their own paths; `modules` is the `node_modules` of a lock of npm. */
export function mountsOf(outside: ScriptPaths, programs: readonly string[], modules: string | null): Mount[] {
  return [
    // Before the programs: one of them may lie under it.
    { source: outside.temporary, target: sandboxPaths.temporary, writable: true },
    ...programs.map((source) => ({ source, optional: true })),
    { source: outside.code, target: sandboxPaths.code },
    ...(modules === null ? [] : [{ source: modules, target: modulesPath }]),
    ...outside.given.map((file) => ({ source: file.path, target: givenInside(file).path })),
    { source: outside.params, target: sandboxPaths.params },
    { source: outside.output, target: sandboxPaths.output, writable: true },
  ];
}
