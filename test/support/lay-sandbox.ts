import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox, type SandboxOptions } from '../../adapters/sandbox/create-sandbox.ts';
import type { LookAroundSettings } from '../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';

/** `bubblewrap`: the full sandbox; `process-group`: the fallback on machines without bubblewrap. */
export type SandboxKind = 'bubblewrap' | 'process-group';

const noSuchProgram = '/no-such-program';

/** Creates the sandbox of this machine, with a new folder for its own files. */
export async function layTestSandbox(
  kind: SandboxKind,
  changes: Partial<SandboxOptions> = {},
): Promise<{ readonly sandbox: Sandbox; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-sandbox-'));
  const sandbox = createSandbox({
    mode: kind === 'bubblewrap' ? 'required' : 'preferred',
    path: process.env.PATH ?? '',
    bubblewrap: kind === 'bubblewrap' ? undefined : noSuchProgram,
    allow: [],
    folder,
    scratchFolder: join(folder, 'doors'),
    ...changes,
  });
  return { sandbox, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Returns the best sandbox that this machine supports; `folder` is for the sandbox's own files. */
export function sandboxIn(folder: string, mode: LookAroundSettings['mode'] = 'preferred'): Sandbox {
  return createSandbox({ mode, path: process.env.PATH ?? '', allow: [], folder, scratchFolder: join(folder, 'doors') });
}
