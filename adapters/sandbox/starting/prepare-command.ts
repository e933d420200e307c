import type { FileHandle } from 'node:fs/promises';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bubblewrapCommand } from './bubblewrap.ts';
import type { ControlGroup } from '../supervision/control-groups.ts';
import { type Surroundings, etcFolder, etcNames } from '../look-around.ts';
import { attemptVariable } from '../supervision/process-group.ts';
import { publicNetwork } from './network-rules.ts';
import type { PublicNetwork } from './public-network.ts';
import type { Mount, SandboxedCommand } from '../sandbox.ts';

/** A command as this machine starts it, and the resources that were made for it. */
export interface Prepared {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly attempt: string;
  readonly isBubbled: boolean;
  readonly network: PublicNetwork | null;
  readonly controlGroup: ControlGroup | null;
  /** Number of processes that belong to the platform. */
  readonly own: number;
  /** Folders of this machine that the command may write to. */
  readonly folders: readonly string[];
  /** Removes the resources that were made for the command. All of its processes must have ended. */
  release(): Promise<void>;
}

/** Threads that one process may have without counting as a runaway. */
const tasksAProcess = 64;
const relayProgram = fileURLToPath(new URL('relay.ts', import.meta.url));
const relayInside = '/perennial-relay';

export async function prepareCommand(
  here: Surroundings,
  command: SandboxedCommand,
  attempt: string,
): Promise<Prepared> {
  const { limits, mounts } = command;
  const tasks = limits.processes * tasksAProcess;
  const controlGroup = (await here.controlGroups?.make({ memoryBytes: limits.memoryBytes, tasks })) ?? null;
  const door =
    here.bubblewrap !== null && command.network.kind === 'loopback'
      ? await openDoor(command.network.port, here.scratchFolder)
      : null;
  const release = async (): Promise<void> => {
    await door?.close();
    // Not awaited, because the kernel takes some milliseconds to remove a group. A group that remains is removed at the
    // next start.
    void controlGroup?.remove();
  };
  try {
    const isPublic = here.slirp4netns !== null && here.bubblewrap !== null && command.network.kind === 'public';
    const argv =
      here.bubblewrap === null
        ? limited(command)
        : bubbled({ ...here, bubblewrap: here.bubblewrap }, command, door, isPublic);
    return {
      file: '/bin/sh',
      args: ['-c', shellScript(controlGroup), ...argv],
      cwd: here.bubblewrap === null ? command.cwd : '/',
      env: { ...command.env, [attemptVariable]: attempt },
      attempt,
      isBubbled: here.bubblewrap !== null,
      network: isPublic ? await publicNetwork(here.slirp4netns, here.allow) : null,
      controlGroup,
      // Counts bubblewrap and the first process of its sandbox, the relay, and slirp4netns, which is in no control
      // group.
      own: (here.bubblewrap === null ? 0 : 2) + (door === null ? 0 : 1) + (isPublic && controlGroup === null ? 1 : 0),
      folders: mounts.flatMap(({ source, writable }) => (writable === true ? [source] : [])),
      release,
    };
  } catch (caught) {
    await release();
    throw caught;
  }
}

function bubbled(
  here: Surroundings & { readonly bubblewrap: string },
  command: SandboxedCommand,
  door: Door | null,
  awaitsNetwork: boolean,
): readonly string[] {
  const { cwd, mounts, limits, network } = command;
  const relay: readonly Mount[] =
    door === null
      ? []
      : [
          { source: process.execPath, target: `${relayInside}/node` },
          { source: relayProgram, target: `${relayInside}/relay.ts` },
          { source: door.socket, target: `${relayInside}/door`, writable: true },
        ];
  const port = network.kind === 'loopback' ? String(network.port) : '';
  const through =
    door === null
      ? []
      : [
          `${relayInside}/node`,
          '--disable-warning=ExperimentalWarning',
          `${relayInside}/relay.ts`,
          port,
          `${relayInside}/door`,
        ];
  return bubblewrapCommand(
    here.bubblewrap,
    {
      mounts: [...mounts, ...relay],
      cwd,
      sharedMemoryBytes: limits.memoryBytes,
      etc: { folder: etcFolder(here.folder), names: etcNames },
      awaitsNetwork,
    },
    [...through, ...limited(command)],
  );
}

/** Returns a script that sets what only a shell can set before a program starts, and then becomes that program. */
function shellScript(controlGroup: ControlGroup | null): string {
  const joins = (controlGroup?.processLists ?? []).map((list) => `echo 0 > ${quoted(list)} || exit 126; `);
  return `ulimit -c 0; ${joins.join('')}exec "$0" "$@"`;
}

/**
 * Returns the command with limits for each of its processes. RLIMIT_DATA limits what a process allocates; a limit of
 * the address space would not work, because allocators reserve many times what they use. RLIMIT_FSIZE limits one file
 * to twice the disk limit, so that the watch on the disk limit reports first.
 */
function limited({ file, args, limits }: SandboxedCommand): readonly string[] {
  const fileSize = `ulimit -f ${Math.ceil(limits.diskBytes / 256)} 2>/dev/null`;
  const memory = `ulimit -d ${Math.floor(limits.memoryBytes / 1024)} 2>/dev/null`;
  return ['/bin/sh', '-c', `${fileSize}; ${memory}; exec "$0" "$@"`, file, ...args];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

interface Door {
  readonly socket: string;
  close(): Promise<void>;
}

/** Opens a socket that leads to one port of this machine's loopback address. */
async function openDoor(port: number, scratchFolder: string): Promise<Door> {
  await mkdir(scratchFolder, { recursive: true });
  const folder = await mkdtemp(join(scratchFolder, 'door-'));
  const opened = await open(folder);
  const server = createServer((inside) => {
    const outside = createConnection(port, '127.0.0.1');
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  // A socket's path is limited to about a hundred characters, which the platform's folders may exceed.
  server.listen(`/proc/self/fd/${opened.fd}/door`);
  await once(server, 'listening');
  return { socket: join(folder, 'door'), close: () => closeDoor(server, opened, folder) };
}

async function closeDoor(server: Server, opened: FileHandle, folder: string): Promise<void> {
  // The sandbox's processes and their connections have ended. Closing the server removes the socket by the path under
  // which it was opened, so the folder must still be open.
  server.close();
  await opened.close();
  await rm(folder, { recursive: true, force: true });
}
