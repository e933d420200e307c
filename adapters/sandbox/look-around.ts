import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { writeWhole } from '../../files/write-whole.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';
import { whyBubblewrapFails } from './starting/bubblewrap.ts';
import { type ControlGroups, findControlGroups } from './supervision/control-groups.ts';
import { findOnPath, isExecutable } from './find-on-path.ts';
import { nameServer } from './starting/public-network.ts';

export interface LookAroundSettings {
  /** `required` refuses to start anything if bubblewrap cannot make a sandbox. */
  readonly mode: 'required' | 'preferred';
  /** PATH on which programs are looked up. */
  readonly path: string;
  /** Paths of the programs, in place of those found on `path`. */
  readonly bubblewrap?: string | undefined;
  readonly slirp4netns?: string | undefined;
  /**
   * Addresses, networks (`10.1.0.0/16`) and host names that a public network may reach although they are not public.
   */
  readonly allow: readonly string[];
  /** Folder for the files of the sandbox's /etc. Created if absent. */
  readonly folder: string;
  /** Folder for the sockets of running commands. It belongs to this process alone. Created if absent. */
  readonly scratchFolder: string;
  /** Whether control groups bound memory if the machine has them. Default: true. */
  readonly controlGroups?: boolean;
}

/** What this machine offers for isolating commands. */
export interface Surroundings {
  readonly isolation: Isolation;
  readonly bubblewrap: string | null;
  readonly slirp4netns: string | null;
  readonly controlGroups: ControlGroups | null;
  readonly allow: readonly string[];
  readonly folder: string;
  readonly scratchFolder: string;
}

export async function lookAround(settings: LookAroundSettings): Promise<Surroundings> {
  const { path, allow, folder, scratchFolder } = settings;
  await writeEtc(folder);
  const [candidate, slirp4netns, controlGroups] = await Promise.all([
    programOf(settings.bubblewrap, 'bwrap', path),
    programOf(settings.slirp4netns, 'slirp4netns', path),
    settings.controlGroups === false ? null : findControlGroups(),
  ]);
  const reason = await whyNone(candidate, settings.bubblewrap);
  const bubblewrap = reason === null ? candidate : null;
  const isolation: Isolation = {
    kind: bubblewrap !== null ? 'bubblewrap' : settings.mode === 'required' ? 'refused' : 'process-group',
    reason,
    memory: controlGroups?.kind ?? 'polling',
    publicNetwork: bubblewrap === null ? 'host' : slirp4netns === null ? null : 'slirp4netns',
  };
  return { isolation, bubblewrap, slirp4netns, controlGroups, allow, folder, scratchFolder };
}

async function programOf(named: string | undefined, name: string, path: string): Promise<string | null> {
  if (named === undefined || named === '') return findOnPath(name, path);
  return (await isExecutable(named)) ? named : null;
}

async function whyNone(bubblewrap: string | null, named: string | undefined): Promise<string | null> {
  if (process.platform !== 'linux') return 'bubblewrap runs on Linux only';
  if (bubblewrap === null)
    return named === undefined
      ? 'bubblewrap is not installed'
      : `PERENNIAL_BUBBLEWRAP names ${named}, which is not an executable program`;
  const reason = await whyBubblewrapFails(bubblewrap);
  return reason === null ? null : `bubblewrap cannot make a sandbox here (${reason})`;
}

/** Returns half of the memory that this process may use, which is the default memory limit of a command. */
export function defaultMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  const total = totalmem();
  return Math.floor(Math.min(total, constrained > 0 ? constrained : total) / 2);
}

export function etcFolder(folder: string): string {
  return join(folder, 'etc');
}

/** Writes the files of /etc that programs expect, with no data of this machine. */
async function writeEtc(folder: string): Promise<void> {
  const [user = 0, group = 0] = [process.getuid?.(), process.getgid?.()];
  const files = {
    // With a network, the command is user 0.
    passwd: [...new Set([user, 0])]
      .map((id) => `perennial:x:${id}:${id === user ? group : 0}::/tmp:/bin/sh\n`)
      .join(''),
    group: [...new Set([group, 0])].map((id) => `perennial:x:${id}:\n`).join(''),
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'resolv.conf': `nameserver ${nameServer}\n`,
  };
  const etc = etcFolder(folder);
  await mkdir(etc, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    // Several processes may write the same file at once.
    await writeWhole(join(etc, name), text, { draft: join(etc, `.${randomUUID()}`), flush: false });
  }
}

export const etcNames = ['passwd', 'group', 'hosts', 'nsswitch.conf', 'resolv.conf'] as const;
