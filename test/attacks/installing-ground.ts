import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEnvironments } from '../../adapters/environments/environments.ts';
import type { PipIndexes } from '../../adapters/environments/indexes/pip-sources.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Environments, TrainingEnvironment } from '../../ports/environments.ts';
import type { SandboxKind } from '../support/lay-sandbox.ts';
import { layTestSandbox } from '../support/lay-sandbox.ts';

export interface InstallingGround {
  /** A folder of the worker, which a user's code must not see. */
  readonly folder: string;
  /** Path of a file that exists if code ran outside the sandbox. */
  readonly marker: string;
  /** Python code that creates the marker and writes into it what it can read from the worker. */
  readonly escape: string;
  readonly lines: string[];
  readonly environments: Environments;
  materialise(
    files: Readonly<Record<string, string>>,
    lock?: string,
    allowBuilds?: boolean,
  ): Promise<TrainingEnvironment>;
  resolve(text: string, allowBuilds?: boolean): Promise<string | null>;
  hasEscaped(): Promise<boolean>;
  /** Returns the names of what is left in the environment cache. */
  made(): Promise<string[]>;
  remove(): Promise<void>;
}

export const secret = 'a-secret-of-the-worker';

/** Creates a worker with a secret in its environment and a package index set by its administrator. */
export async function layInstallingGround(
  pip: Partial<PipIndexes>,
  { kind = 'bubblewrap', environment = {} }: { kind?: SandboxKind; environment?: Record<string, string> } = {},
): Promise<InstallingGround> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-installing-'));
  const { sandbox, remove } = await layTestSandbox(kind);
  // Not under /tmp, because the sandbox mounts its own folder there.
  const home = await mkdtemp(join(homedir(), '.perennial-attack-'));
  const marker = join(home, 'ran-outside');
  const cacheFolder = join(folder, 'cache');
  const environments = createEnvironments({
    cacheFolder,
    workFolder: join(folder, 'work'),
    sandbox,
    environment: { PATH: process.env.PATH, HOME: process.env.HOME, SECRET: secret, ...environment },
    pip: { indexUrl: undefined, extraIndexUrls: [], ...pip },
  });
  const lines: string[] = [];
  const call = (allowBuilds: boolean) => ({
    allowBuilds,
    onLog: ({ line }: { readonly line: string }) => void lines.push(line),
    signal: new AbortController().signal,
  });
  const write = async (files: Readonly<Record<string, string>>): Promise<string> => {
    const code = await mkdtemp(join(folder, 'code-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(code, name), text);
    return code;
  };
  return {
    folder,
    marker,
    escape: `import os; open(${JSON.stringify(marker)}, "w").write(os.environ.get("SECRET", "ran"))`,
    lines,
    environments,
    materialise: async (files, lock = 'requirements.txt', allowBuilds = false) =>
      environments.materialise(join(await write(files), lock), null, call(allowBuilds)),
    resolve: async (text, allowBuilds = false) =>
      environments.resolveLock(join(await write({ 'requirements.txt': text }), 'requirements.txt'), call(allowBuilds)),
    hasEscaped: async () =>
      access(marker).then(
        () => true,
        () => false,
      ),
    made: () => readdir(join(cacheFolder, 'environments')).catch(() => []),
    remove: async () => {
      await remove();
      for (const path of [folder, home]) await rm(path, { recursive: true, force: true });
    },
  };
}

export async function refusalOf(promise: Promise<unknown>): Promise<PerennialError> {
  const caught = await promise.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (caught instanceof PerennialError) return caught;
  throw caught;
}
