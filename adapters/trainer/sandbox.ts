import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemFolders } from '../sandbox/installation.ts';
import type { GivenFile, ScriptPaths } from './script-environment.ts';

/** Files that any program needs beside the system's folders. */
const systemFiles = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/localtime',
  '/etc/fonts',
];
const networkFiles = [
  '/etc/resolv.conf',
  '/etc/hosts',
  '/etc/nsswitch.conf',
  '/etc/services',
  '/etc/ssl',
  '/etc/pki',
  '/etc/ca-certificates',
];

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

export interface SandboxContents {
  /** What lies where outside. */
  readonly outside: ScriptPaths;
  /** Also readable, under their own paths: the Python environment, and what the program itself lies in. */
  readonly programs: readonly string[];
  /** `node_modules`, where the code has a lock of npm. */
  readonly modules: string | null;
  readonly network: boolean;
}

const isolation = ['--unshare-all', '--die-with-parent', '--cap-drop', 'ALL', '--hostname', 'training'];

/** The command line of a program in a bubblewrap sandbox: it sees what is named here and nothing else. */
export function sandboxCommand(bubblewrap: string, contents: SandboxContents, command: readonly string[]): string[] {
  const { outside, programs, modules, network } = contents;
  const readable = (path: string, as = path): string[] => ['--ro-bind-try', path, as];
  return [
    bubblewrap,
    ...isolation,
    ...(network ? ['--share-net'] : []),
    ...[...systemFolders, ...systemFiles, ...(network ? networkFiles : [])].flatMap((path) => readable(path)),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    // Before the programs: one of them may lie under it.
    '--bind',
    outside.temporary,
    sandboxPaths.temporary,
    ...programs.flatMap((path) => readable(path)),
    ...readable(outside.code, sandboxPaths.code),
    ...(modules === null ? [] : readable(modules, modulesPath)),
    ...outside.given.flatMap((file) => readable(file.path, givenInside(file).path)),
    ...readable(outside.params, sandboxPaths.params),
    '--bind',
    outside.output,
    sandboxPaths.output,
    // The root that bubblewrap makes is memory that could be written to.
    '--remount-ro',
    '/',
    '--chdir',
    sandboxPaths.code,
    '--',
    ...command,
  ];
}

/** Whether bubblewrap can make a sandbox here; containers and hardened systems may forbid it. Answers why not, or null. */
export async function whySandboxFails(bubblewrap: string): Promise<string | null> {
  const args = [
    ...isolation,
    ...systemFolders.flatMap((path) => ['--ro-bind-try', path, path]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--remount-ro',
    '/',
    '--',
    'true',
  ];
  try {
    await promisify(execFile)(bubblewrap, args, { env: { PATH: '/usr/bin:/bin' }, cwd: '/', timeout: 20_000 });
    return null;
  } catch (caught) {
    const stderr = caught instanceof Error && 'stderr' in caught ? String(caught.stderr).trim() : '';
    return stderr === '' ? 'it does not run' : (stderr.split('\n').at(-1) ?? stderr).slice(0, 300);
  }
}
