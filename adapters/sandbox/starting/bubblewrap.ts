import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mount } from '../sandbox.ts';

/** Folders and files of the system that any program needs, and that hold nothing of anyone's. */
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
  /** Of shared memory (`/dev/shm`). */
  readonly sharedMemoryBytes: number;
  /** Holds the files of /etc that the platform made, by their names. */
  readonly etc: { readonly folder: string; readonly names: readonly string[] };
  /** bubblewrap tells its namespaces on descriptor 3 and waits for a byte on descriptor 4, so that a network can be made. */
  readonly awaitsNetwork: boolean;
}

/** The command line of a program in a bubblewrap sandbox, which sees what is named here and nothing else. */
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
    // The root that bubblewrap makes is memory that could be written to.
    '--remount-ro',
    '/',
    '--chdir',
    cwd,
    // As user 0 of its namespace it has one user namespace and not two, and that one owns its network.
    ...(awaitsNetwork ? ['--uid', '0', '--gid', '0', '--info-fd', '3', '--block-fd', '4'] : []),
    '--',
    ...command,
  ];
}

function mountArguments({ source, target, writable, optional }: Mount): string[] {
  const kind = `--${writable === true ? '' : 'ro-'}bind${optional === true ? '-try' : ''}`;
  return [kind, source, target ?? source];
}

/** Why bubblewrap makes no sandbox here; null if it does. Containers and hardened systems may forbid it. */
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
    return stderr === '' ? 'it does not run' : (stderr.split('\n').at(-1) ?? stderr).slice(0, 300);
  }
}

/** Whether every sandbox shows the path without being asked to. */
export function isOfSystem(path: string): boolean {
  return systemFolders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}
