import type { SourceTree } from './check-imports.ts';

/** Modules that start processes. */
const starters = /^(node:)?(child_process|cluster)$/;

/** The only folders and files that may start a process, each with its reason. */
export const startersOfProcesses: readonly { readonly place: string; readonly reason: string }[] = [
  { place: 'adapters/sandbox/', reason: 'starts what a user wrote, apart' },
  { place: 'worker/computing/', reason: "starts the worker's own program to compute apart" },
  { place: 'stack/', reason: 'starts Postgres, Temporal and the platform itself' },
  { place: 'setup/', reason: 'runs before anything of the platform does' },
  { place: 'cli/perennial.mjs', reason: 'is the launcher: starts the pinned Node' },
  { place: 'cli/stack-process.ts', reason: 'is the launcher of the embedded stack' },
  {
    place: 'cli/files/archive-folder.ts',
    reason: "asks git of the person's own machine about a folder that the person uploads, without what it configures",
  },
];

/** Folders that no code of the platform imports. */
const apart = ['test/', 'bench/', 'examples/', 'docs/'];

/** Returns `file:line` of all code that could start a process outside the permitted places. */
export function findProcessStarts(tree: SourceTree): string[] {
  const mayStart = (path: string): boolean =>
    [...startersOfProcesses.map(({ place }) => place), ...apart].some((place) =>
      place.endsWith('/') ? path.startsWith(place) : path === place,
    );
  return [...tree].flatMap(([path, { imports, processStarts }]) => {
    if (mayStart(path)) return [];
    const imported = imports.filter(({ specifier, typeOnly }) => !typeOnly && starters.test(specifier));
    return [...new Set([...imported.map(({ line }) => line), ...processStarts])].map((line) => `${path}:${line}`);
  });
}
