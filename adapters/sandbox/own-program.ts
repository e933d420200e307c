import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOfSystem } from './starting/bubblewrap.ts';
import type { Mount } from './sandbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Rooms that programs of the platform's own import from when they run in a sandbox. */
const rooms = ['adapters', 'contracts'];

/**
 * What a program of the platform's own needs to be readable: Node, packages and sources. One by one and never the folder
 * that holds them, because that may be a user's checkout, with the platform's state and secrets in it.
 */
export function mountsOfOwnProgram(): readonly Mount[] {
  const packages = join(root, 'node_modules');
  return [
    ...mountsOfNode(process.execPath),
    { source: join(root, 'package.json') },
    { source: packages },
    // Where it is a link, modules are loaded by their real paths.
    { source: realpathSync(packages) },
    ...rooms.map((room) => ({ source: join(root, room) })),
  ];
}

/** The program itself and its shared libraries, where they lie beside it. */
function mountsOfNode(program: string): readonly Mount[] {
  if (isOfSystem(program)) return [];
  return [{ source: program }, { source: join(dirname(dirname(program)), 'lib'), optional: true }];
}
