import { publicNpmRegistry } from '../../contracts/code/public-registries.ts';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PerennialError } from '../../contracts/errors.ts';
import type { PackageLock } from '../../contracts/code/package-lock.ts';
import { parsePackageLock } from '../../contracts/code/package-lock.ts';
import { findOnPath } from '../sandbox/find-on-path.ts';
import { installationOf, prefixOf, systemPath } from '../sandbox/installation.ts';
import type { AskedPrograms } from './ask-program.ts';
import { readable } from './ask-program.ts';
import type { EnvironmentWorkplace } from './made-environment.ts';
import { madeEnvironment } from './made-environment.ts';
import { readNpmSources } from './indexes/npm-sources.ts';
import { withPackageIndex } from './indexes/package-index.ts';
import type { PackageFiles } from './indexes/package-files.ts';
import type { NpmSources } from './indexes/package-sources.ts';
import { comparableAddress } from './indexes/package-sources.ts';
import type { ToolVariables } from './tool-environment.ts';
import type { ToolRun } from './tool-step.ts';
import { runTool } from './tool-step.ts';

const lockName = 'package-lock.json';
const manifestName = 'package.json';

export interface NodeRun extends ToolRun {
  readonly cacheFolder: string;
  readonly workFolder: string;
  readonly lockPath: string;
  /** The text of the lock. */
  readonly lock: string;
  readonly files: PackageFiles;
  readonly programs: AskedPrograms;
  readonly worker: ToolVariables;
}

interface Npm {
  readonly node: string;
  /** Name and version, e.g. `Node 26.1.0`. */
  readonly interpreter: string;
  readonly npm: string;
  readonly sources: NpmSources;
}

/**
 * Returns the `node_modules` of a package-lock.json, which is made once per lock, Node version and platform. No code of
 * a package runs meanwhile.
 */
export async function modulesOfLock(
  run: NodeRun,
): Promise<{ readonly modulesFolder: string; readonly interpreter: string }> {
  const parsed = await parseNodeLock(run);
  const npm = await findNpm(run);
  const { interpreter, node } = npm;
  refuseForeignAddresses(parsed, npm.sources);
  // The manifest also decides what npm installs, so it is part of the key.
  const lock = `${parsed.lockText}\n${parsed.manifestText}`;
  const { cacheFolder, workFolder } = run;
  const wanted = { cacheFolder, workFolder, lock, interpreter, program: node, allowBuilds: false };
  const folder = await madeEnvironment(wanted, (workplace) => make(workplace, run, npm, parsed));
  return { modulesFolder: join(folder, 'node_modules'), interpreter };
}

export async function parseNodeLock({ lock, lockPath }: Pick<NodeRun, 'lock' | 'lockPath'>): Promise<PackageLock> {
  const manifest = await readFile(join(dirname(lockPath), manifestName), 'utf8').catch(() => {
    throw failed(`there is no ${manifestName} beside ${lockName}; add it to the code`);
  });
  return parsePackageLock(lock, manifest);
}

function refuseForeignAddresses({ addresses }: PackageLock, { registry, scopedRegistries }: NpmSources): void {
  // npm writes the public registry into every lock, but requests packages from the configured one.
  const starts = [publicNpmRegistry, registry, ...scopedRegistries.values()].map((one) => `${comparableAddress(one)}/`);
  const foreign = addresses.find(
    ({ address }) => !starts.some((start) => comparableAddress(address).startsWith(start)),
  );
  if (foreign === undefined) return;
  throw failed(
    `${foreign.package} in ${lockName} comes from ${comparableAddress(foreign.address).slice(0, 200)}, which is not a registry of this worker’s npm configuration; install the package from ${comparableAddress(registry)}, or ask the administrator to add the registry`,
  );
}

async function make(
  { environment, scratch }: EnvironmentWorkplace,
  run: NodeRun,
  npm: Npm,
  lock: PackageLock,
): Promise<void> {
  const { interpreter, node } = npm;
  run.log.system(`making the training environment from the lock with ${interpreter}; this happens only once`);
  await mkdir(join(environment, 'node_modules'), { recursive: true });
  await mkdir(scratch);
  await writeFile(join(environment, lockName), lock.lockText);
  await writeFile(join(environment, manifestName), lock.manifestText);
  const flags = ['--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-progress', '--no-update-notifier'];
  // npm is a package in a folder of its own, so the whole folder is mounted.
  const installed = [...installationOf(prefixOf(node)), prefixOf(npm.npm)];
  await withPackageIndex({ sources: npm.sources, files: run.files, onProblem: run.log.system }, async (index) =>
    runTool(run, {
      name: 'npm ci',
      file: node,
      args: [npm.npm, 'ci', '--prefix', environment, ...flags],
      scratch,
      path: `${dirname(node)}:${systemPath}`,
      env: {
        npm_config_registry: index.npmUrl,
        npm_config_cache: join(scratch, 'npm'),
        npm_config_fetch_retry_mintimeout: '500',
        npm_config_fetch_retry_maxtimeout: '5000',
        // Two names, because npm refuses to read the same file twice.
        npm_config_userconfig: join(scratch, 'npmrc-of-user'),
        npm_config_globalconfig: join(scratch, 'npmrc-of-all'),
      },
      mounts: [...readable(installed), ...[environment, scratch].map((source) => ({ source, writable: true }))],
      network: index.network,
      remedy: 'check that package.json and package-lock.json match, and that the package registry answers',
    }),
  );
  // npm creates no `node_modules` for a lock without packages.
  await mkdir(join(environment, 'node_modules'), { recursive: true });
}

async function findNpm({ programs, worker }: NodeRun): Promise<Npm> {
  const path = worker.PATH ?? systemPath;
  const [node, npm] = await Promise.all([findOnPath('node', path), findOnPath('npm', path)]);
  const said = node === null ? null : await programs.ask(node, ['--version']);
  if (node === null || npm === null || said === null)
    throw failed('node or npm is missing on the PATH of this worker; install Node');
  return {
    node: await realpath(node),
    interpreter: `Node ${said.trim().replace(/^v/, '')}`,
    npm: await realpath(npm),
    sources: await readNpmSources(worker, prefixOf(npm)),
  };
}

function failed(why: string): PerennialError {
  return new PerennialError(
    'environment-failed',
    `the training environment cannot be created from its lock file: ${why}`,
    {},
  );
}
