import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOfSystem } from './starting/bubblewrap.ts';
import type { Mount } from './sandbox.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Folders of sources that the platform's own programs import when they run in a sandbox. */
const rooms = ['adapters', 'contracts'];

/**
 * Returns the mounts of what a program of the platform must read: Node, packages and sources. Each is listed, because
 * the folder above them may be a user's checkout that also holds the platform's state and secrets.
 */
export function mountsOfOwnProgram(): readonly Mount[] {
  const packages = join(root, 'node_modules');
  return [
    ...mountsOfNode(process.execPath),
    { source: join(root, 'package.json') },
    { source: packages },
    // If `node_modules` is a link, modules are loaded by their real paths.
    { source: realpathSync(packages) },
    ...rooms.map((room) => ({ source: join(root, room) })),
  ];
}

/** Returns the mounts of Node's executable and of its shared libraries, if they lie beside it. */
function mountsOfNode(program: string): readonly Mount[] {
  if (isOfSystem(program)) return [];
  return [{ source: program }, { source: join(dirname(dirname(program)), 'lib'), optional: true }];
}
