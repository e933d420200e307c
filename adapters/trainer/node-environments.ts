import { execFile } from 'node:child_process';
import { copyFile, mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { madeOnce } from './made-once.ts';
import { findOnPath, platformName } from './python.ts';
import { readLock } from './read-lock.ts';
import type { ToolRun } from './tool-step.ts';
import { runTool } from './tool-step.ts';

const lockName = 'package-lock.json';
const answerMs = 20_000;

const Lock = z.object({
  lockfileVersion: z.number().int().min(2),
  packages: z.record(
    z.string(),
    z.object({
      integrity: z.string().optional(),
      link: z.boolean().optional(),
      inBundle: z.boolean().optional(),
      dev: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});

export function isNodeLock(lockPath: string): boolean {
  return basename(lockPath) === lockName;
}

export interface NodeLock extends ToolRun {
  readonly lockPath: string;
  readonly digest: Sha256 | null;
}

/** The `node_modules` of a package-lock.json: made once for lock, Node and platform. Nothing of a package runs meanwhile. */
export async function modulesOfLock(
  cacheFolder: string,
  wanted: NodeLock,
): Promise<{ readonly modulesFolder: string; readonly interpreter: string }> {
  const text = await readLock(wanted.lockPath, wanted.digest);
  refuseUnfit(text);
  const { tools, log } = wanted;
  const interpreter = await askNode(tools);
  const npm = await findOnPath('npm', tools.PATH ?? '');
  if (interpreter === null || npm === null)
    throw failed('there is no node and npm on the PATH of this worker; install Node');
  const key = sha256OfBytes([sha256OfBytes(text), interpreter, platformName()].join('\n')).slice(0, 32);
  const folder = await madeOnce(join(cacheFolder, 'environments', key), {
    isUsable: async (made) => (await stat(join(made, 'node_modules')).catch(() => null))?.isDirectory() === true,
    make: async (making) => {
      log.system(`making the training environment of the lock with ${interpreter}; this happens once`);
      await mkdir(join(making, 'node_modules'), { recursive: true });
      const beside = dirname(wanted.lockPath);
      await copyFile(wanted.lockPath, join(making, lockName));
      await copyFile(join(beside, 'package.json'), join(making, 'package.json')).catch(() => {
        throw failed(`there is no package.json beside ${lockName}; add it to the code`);
      });
      const args = ['ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-progress'];
      const remedy = 'see that package.json and package-lock.json fit each other, and that the package index answers';
      await runTool(wanted, { name: 'npm ci', file: npm, args, cwd: making, remedy });
      // npm leaves none where nothing is asked for.
      await mkdir(join(making, 'node_modules'), { recursive: true });
    },
  });
  return { modulesFolder: join(folder, 'node_modules'), interpreter };
}

/** What has no hash could be anything, and what needs a script of its own to be installed would not be whole without. */
function refuseUnfit(text: string): void {
  const lock = Lock.safeParse(parsed(text));
  if (!lock.success) throw failed(`${lockName} is not one of lockfileVersion 2 or newer; make it with npm 7 or newer`);
  const installed = Object.entries(lock.data.packages).filter(([name, found]) => name !== '' && found.dev !== true);
  const unchecked = installed.filter(
    ([, found]) => found.integrity === undefined && found.link !== true && found.inBundle !== true,
  );
  if (unchecked.length > 0)
    throw failed(`${namesOf(unchecked)} in ${lockName} has no integrity; install it from a package registry`);
  const scripts = installed.filter(([, found]) => found.hasInstallScript === true);
  if (scripts.length > 0)
    throw failed(`${namesOf(scripts)} needs an install script, and none is run; use a package without one`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function namesOf(packages: readonly (readonly [string, unknown])[]): string {
  return packages
    .slice(0, 5)
    .map(([name]) => name.replace(/^.*node_modules\//, ''))
    .join(', ');
}

function failed(why: string): PerennialError {
  return new PerennialError('environment-failed', `the training environment cannot be made from its lock: ${why}`, {});
}

async function askNode(tools: Readonly<Record<string, string>>): Promise<string | null> {
  const node = await findOnPath('node', tools.PATH ?? '');
  if (node === null) return null;
  try {
    const { stdout } = await promisify(execFile)(node, ['--version'], { env: tools, cwd: '/', timeout: answerMs });
    return `Node ${stdout.trim().replace(/^v/, '')}`;
  } catch {
    return null;
  }
}
