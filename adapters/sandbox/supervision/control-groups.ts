import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A group of processes for which the kernel counts memory, including shared memory, and tasks. */
export interface ControlGroup {
  /** Files that list the group's processes. A process joins the group by writing `0` to each of them. */
  readonly processLists: readonly string[];
  /** Returns whether the kernel has killed a process of the group because memory ran out. */
  ranOutOfMemory(): Promise<boolean>;
  /** Removes the group, in which no process may be left. Never rejects. */
  remove(): Promise<void>;
}

export interface GroupLimits {
  readonly memoryBytes: number;
  /** Most tasks. The kernel counts threads as tasks. */
  readonly tasks: number;
}

export interface ControlGroups {
  readonly kind: 'cgroup-v2' | 'cgroup-v1';
  make(limits: GroupLimits): Promise<ControlGroup>;
}

interface Hierarchy {
  /** Folder in which groups are made. */
  readonly parent: string;
  /** Settings of a new group: the content by file name. The files of `optional` need not exist. */
  readonly settings: (limits: GroupLimits) => Readonly<Record<string, string>>;
  readonly optional: (limits: GroupLimits) => Readonly<Record<string, string>>;
}

export interface ControlGroupPlaces {
  readonly root: string;
  /** Path of a file in the format of /proc/self/cgroup. */
  readonly membership: string;
}

const usual: ControlGroupPlaces = { root: '/sys/fs/cgroup', membership: '/proc/self/cgroup' };
const prefix = 'perennial';
const removeAttempts = 100;
const removePauseMs = 20;

/**
 * Finds version 2 if this process may make groups in it, else version 1, else null. Also removes the groups that killed
 * processes left.
 */
export async function findControlGroups(places: ControlGroupPlaces = usual): Promise<ControlGroups | null> {
  if (process.platform !== 'linux') return null;
  const membership = await readFile(places.membership, 'utf8').catch(() => '');
  return (await versionTwo(places.root, membership)) ?? (await versionOne(places.root, membership));
}

async function versionTwo(root: string, membership: string): Promise<ControlGroups | null> {
  const own = /^0::(.*)$/m.exec(membership)?.[1];
  if (own === undefined || (await textOf(join(root, 'cgroup.controllers'))) === null) return null;
  // Tries the process's own group, then the one above it (a service manager may have made a subgroup), then one at the
  // top, which root may make.
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

/**
 * Returns whether new groups in this folder count memory and tasks. A group that contains processes cannot delegate.
 */
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
    // In a container the path is the host's, while the mount starts below it.
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

/** Makes groups in all hierarchies. The first hierarchy must be the one that counts memory. */
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

/**
 * Removes a group. For some milliseconds the kernel still counts a killed process as a member, so removal is retried.
 */
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

/** Removes groups whose maker has ended. A group that still has processes remains. */
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
