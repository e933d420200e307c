import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mount } from '../sandbox.ts';

/** Folders and files of the system that any program needs and that hold no private data. */
const systemFolders = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64'];
const systemFiles = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/localtime',
  '/etc/fonts',
];
const certificates = ['/etc/ssl', '/etc/pki', '/etc/ca-certificates'];
const isolation = ['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL', '--hostname', 'sandbox'];

export interface Bubbled {
  readonly mounts: readonly Mount[];
  readonly cwd: string;
  /** Most bytes of shared memory (`/dev/shm`). */
  readonly sharedMemoryBytes: number;
  /** Folder and names of the files of /etc that the platform wrote. */
  readonly etc: { readonly folder: string; readonly names: readonly string[] };
  /**
   * Whether bubblewrap reports its namespaces on descriptor 3 and waits for a byte on descriptor 4, so that a network
   * can be made in between.
   */
  readonly awaitsNetwork: boolean;
}

/** Returns the command line that runs a program in a bubblewrap sandbox. The program sees only what is named here. */
export function bubblewrapCommand(bubblewrap: string, bubbled: Bubbled, command: readonly string[]): string[] {
  const { mounts, cwd, sharedMemoryBytes, etc, awaitsNetwork } = bubbled;
  return [
    bubblewrap,
    ...isolation,
    ...[...systemFolders, ...systemFiles, ...certificates].flatMap((path) => ['--ro-bind-try', path, path]),
    ...etc.names.flatMap((name) => ['--ro-bind', join(etc.folder, name), `/etc/${name}`]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--size',
    String(sharedMemoryBytes),
    '--tmpfs',
    '/dev/shm',
    '--remount-ro',
    '/dev',
    ...mounts.flatMap(mountArguments),
    // bubblewrap's root is a file system in memory. It is made read-only, because the command could fill it.
    '--remount-ro',
    '/',
    '--chdir',
    cwd,
    // As user 0, bubblewrap makes one user namespace instead of two, and that one owns the network.
    ...(awaitsNetwork ? ['--uid', '0', '--gid', '0', '--info-fd', '3', '--block-fd', '4'] : []),
    '--',
    ...command,
  ];
}

function mountArguments({ source, target, writable, optional }: Mount): string[] {
  const kind = `--${writable === true ? '' : 'ro-'}bind${optional === true ? '-try' : ''}`;
  return [kind, source, target ?? source];
}

/**
 * Returns why bubblewrap cannot make a sandbox here, or null if it can. Containers and hardened systems may forbid it.
 */
export async function whyBubblewrapFails(bubblewrap: string): Promise<string | null> {
  const [file = '', ...args] = bubblewrapCommand(
    bubblewrap,
    { mounts: [], cwd: '/', sharedMemoryBytes: 2 ** 20, etc: { folder: '/', names: [] }, awaitsNetwork: false },
    ['true'],
  );
  try {
    await promisify(execFile)(file, args, { env: { PATH: '/usr/bin:/bin' }, cwd: '/', timeout: 20_000 });
    return null;
  } catch (caught) {
    const stderr = caught instanceof Error && 'stderr' in caught ? String(caught.stderr).trim() : '';
    return stderr === '' ? 'bubblewrap does not run' : (stderr.split('\n').at(-1) ?? stderr).slice(0, 300);
  }
}

/** Returns whether every sandbox shows the path without a mount for it. */
export function isOfSystem(path: string): boolean {
  return systemFolders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}
