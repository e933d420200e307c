import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The kernel's own account of a group of processes: memory with shared memory in it, and tasks. */
export interface ControlGroup {
  /** A process that writes `0` to each of these joins the group; each lists the group's processes. */
  readonly processLists: readonly string[];
  /** Whether the kernel has killed a process of the group for want of memory. */
  ranOutOfMemory(): Promise<boolean>;
  /** Removes the group, which must have no process left. Never rejects. */
  remove(): Promise<void>;
}

export interface GroupLimits {
  readonly memoryBytes: number;
  /** Threads count, as they do for the kernel. */
  readonly tasks: number;
}

export interface ControlGroups {
  readonly kind: 'cgroup-v2' | 'cgroup-v1';
  make(limits: GroupLimits): Promise<ControlGroup>;
}

interface Hierarchy {
  /** The folder in which groups are made. */
  readonly parent: string;
  /** Files of a new group and what is written to them; those of `optional` need not exist. */
  readonly settings: (limits: GroupLimits) => Readonly<Record<string, string>>;
  readonly optional: (limits: GroupLimits) => Readonly<Record<string, string>>;
}

export interface ControlGroupPlaces {
  readonly root: string;
  /** As /proc/self/cgroup. */
  readonly membership: string;
}

const usual: ControlGroupPlaces = { root: '/sys/fs/cgroup', membership: '/proc/self/cgroup' };
const prefix = 'perennial';
const removeAttempts = 100;
const removePauseMs = 20;

/** Version 2 where this process may make groups, else version 1, else null. Removes what killed processes left. */
export async function findControlGroups(places: ControlGroupPlaces = usual): Promise<ControlGroups | null> {
  if (process.platform !== 'linux') return null;
  const membership = await readFile(places.membership, 'utf8').catch(() => '');
  return (await versionTwo(places.root, membership)) ?? (await versionOne(places.root, membership));
}

async function versionTwo(root: string, membership: string): Promise<ControlGroups | null> {
  const own = /^0::(.*)$/m.exec(membership)?.[1];
  if (own === undefined || (await textOf(join(root, 'cgroup.controllers'))) === null) return null;
  // Its own group; the one above, where a service manager put it into a subgroup; one at the top, for root.
  const top = join(root, prefix);
  for (const parent of new Set([join(root, own), join(root, dirname(own)), top])) {
    if (parent === top) await mkdir(top).catch(() => undefined);
    if (!(await delegates(parent))) continue;
    const hierarchy: Hierarchy = {
      parent,
      settings: ({ memoryBytes, tasks }) => ({ 'memory.max': String(memoryBytes), 'pids.max': String(tasks) }),
      optional: () => ({ 'memory.swap.max': '0', 'memory.oom.group': '1' }),
    };
    const groups = groupsIn('cgroup-v2', [hierarchy], 'memory.events');
    if (await works(groups)) return groups;
  }
  return null;
}

/** Whether new groups under it account for memory and tasks. A group with processes of its own cannot delegate. */
async function delegates(parent: string): Promise<boolean> {
  const control = join(parent, 'cgroup.subtree_control');
  const enabled = async () => {
    const controllers = ((await textOf(control)) ?? '').split(/\s+/);
    return controllers.includes('memory') && controllers.includes('pids');
  };
  if (await enabled()) return true;
  await writeFile(control, '+memory +pids').catch(() => undefined);
  return enabled();
}

async function versionOne(root: string, membership: string): Promise<ControlGroups | null> {
  const parentOf = async (controller: string): Promise<string> => {
    const lines = membership.split('\n').map((line) => line.split(':'));
    const own = lines.find(([, controllers]) => controllers?.split(',').includes(controller))?.[2] ?? '/';
    const folder = join(root, controller, own);
    // Within a container the path is the host's, and the mount begins below it.
    return (await textOf(join(folder, 'cgroup.procs'))) === null ? join(root, controller) : folder;
  };
  const memory: Hierarchy = {
    parent: await parentOf('memory'),
    settings: ({ memoryBytes }) => ({ 'memory.limit_in_bytes': String(memoryBytes) }),
    optional: ({ memoryBytes }) => ({ 'memory.memsw.limit_in_bytes': String(memoryBytes) }),
  };
  const pids: Hierarchy = {
    parent: await parentOf('pids'),
    settings: ({ tasks }) => ({ 'pids.max': String(tasks) }),
    optional: () => ({}),
  };
  const groups = groupsIn('cgroup-v1', [memory, pids], 'memory.oom_control');
  return (await works(groups)) ? groups : null;
}

async function works(groups: ControlGroups): Promise<boolean> {
  try {
    const group = await groups.make({ memoryBytes: 2 ** 30, tasks: 100 });
    await group.remove();
    return true;
  } catch {
    return false;
  }
}

let made = 0;

/** The first hierarchy is the one that accounts for memory. */
function groupsIn(
  kind: ControlGroups['kind'],
  hierarchies: readonly [Hierarchy, ...Hierarchy[]],
  memoryEvents: string,
): ControlGroups {
  let tidied = false;
  return {
    kind,
    async make(limits) {
      if (!tidied) await Promise.all(hierarchies.map(({ parent }) => removeAbandoned(parent)));
      tidied = true;
      const name = `${prefix}-${process.pid}-${(made += 1)}`;
      const folders = hierarchies.map(({ parent }) => join(parent, name));
      const remove = async () => void (await Promise.all(folders.map(removeGroup)));
      try {
        for (const hierarchy of hierarchies) await makeIn(hierarchy, name, limits);
      } catch (caught) {
        await remove();
        throw caught;
      }
      return {
        processLists: folders.map((folder) => join(folder, 'cgroup.procs')),
        ranOutOfMemory: async () => {
          const events = await textOf(join(hierarchies[0].parent, name, memoryEvents));
          return Number(/^oom_kill (\d+)$/m.exec(events ?? '')?.[1] ?? 0) > 0;
        },
        remove,
      };
    },
  };
}

async function makeIn({ parent, settings, optional }: Hierarchy, name: string, limits: GroupLimits): Promise<void> {
  const folder = join(parent, name);
  await mkdir(folder);
  for (const [file, value] of Object.entries(settings(limits))) await writeFile(join(folder, file), value);
  for (const [file, value] of Object.entries(optional(limits)))
    await writeFile(join(folder, file), value, { flag: 'r+' }).catch(() => undefined);
}

/** The kernel counts a process that was killed as a member for some milliseconds more. */
async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 0; attempt < removeAttempts; attempt += 1) {
    try {
      return await rmdir(folder);
    } catch (caught) {
      if (!(caught instanceof Error && 'code' in caught && caught.code === 'EBUSY')) return;
      await wait(Math.min(2 ** attempt, removePauseMs));
    }
  }
}

/** Groups whose maker is gone; one that has processes left stays. */
async function removeAbandoned(parent: string): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const maker = new RegExp(`^${prefix}-(\\d+)-\\d+$`).exec(name)?.[1];
    if (maker === undefined || Number(maker) === process.pid) continue;
    if ((await textOf(`/proc/${maker}/stat`)) === null) await rmdir(join(parent, name)).catch(() => undefined);
  }
}

function textOf(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
