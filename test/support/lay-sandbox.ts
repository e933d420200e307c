import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox } from '../../adapters/sandbox/create-sandbox.ts';
import type { LookAroundSettings } from '../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';

/** `bubblewrap`: as workers should have it; `process-group`: as they have it where there is none. */
export type SandboxKind = 'bubblewrap' | 'process-group';

const noSuchProgram = '/no-such-program';

/** The sandbox of this machine, in a folder of its own. */
export async function layTestSandbox(
  kind: SandboxKind,
  changes: Partial<LookAroundSettings> = {},
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

/** The sandbox of this machine, as good as it has one; `folder` is for its own files. */
export function sandboxIn(folder: string, mode: LookAroundSettings['mode'] = 'preferred'): Sandbox {
  return createSandbox({ mode, path: process.env.PATH ?? '', allow: [], folder, scratchFolder: join(folder, 'doors') });
}
