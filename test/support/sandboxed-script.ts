import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ending, Limits, Network } from '../../adapters/sandbox/sandbox.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';
import type { LookAroundSettings } from '../../adapters/sandbox/look-around.ts';
import { layTestSandbox, type SandboxKind } from './lay-sandbox.ts';

export interface ScriptRun {
  readonly ending: Ending;
  /** Standard output and standard error together. */
  readonly said: string;
}

export interface SandboxedScript {
  /** Runs a Python script with one writable folder, which is both its working folder and its /tmp. */
  python(
    script: string,
    changes?: { readonly limits?: Partial<Limits>; readonly network?: Network; readonly signal?: AbortSignal },
  ): Promise<ScriptRun>;
  isolation(): Promise<Isolation>;
  readonly folder: string;
  remove(): Promise<void>;
}

const noNetwork: Network = { kind: 'none' };
const limits: Limits = {
  timeoutMs: 60_000,
  memoryBytes: 512 * 2 ** 20,
  processes: 50,
  diskBytes: 2 ** 30,
  files: 100_000,
};

/** Creates a sandbox and a folder for scripts that try to escape from it. */
export async function laySandboxedScript(
  kind: SandboxKind,
  settings: Partial<LookAroundSettings> = {},
): Promise<SandboxedScript> {
  const { sandbox, remove } = await layTestSandbox(kind, settings);
  const folder = await mkdtemp(join(tmpdir(), 'perennial-script-'));
  return {
    folder,
    isolation: () => sandbox.isolation(),
    async python(script, { limits: changed = {}, network = noNetwork, signal } = {}) {
      await writeFile(join(folder, 'script.py'), script);
      let said = '';
      const ending = await sandbox.run(
        {
          title: 'the script',
          file: '/usr/bin/python3',
          args: [join(folder, 'script.py')],
          cwd: folder,
          env: { PATH: '/usr/bin:/bin', TMPDIR: folder, LANG: 'C.UTF-8' },
          mounts: [{ source: folder, writable: true }],
          network,
          limits: { ...limits, ...changed },
          signal: signal ?? new AbortController().signal,
        },
        (_stream, chunk) => (said += chunk.toString()),
      );
      return { ending, said };
    },
    remove: async () => {
      await remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
