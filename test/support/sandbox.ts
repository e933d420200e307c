import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSandbox } from '../../adapters/sandbox/create-sandbox.ts';
import type { SandboxSettings } from '../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';

/** `bubblewrap`: as workers should have it; `process-group`: as they have it where there is none. */
export type SandboxKind = 'bubblewrap' | 'process-group';

const noSuchProgram = '/no-such-program';

/** The sandbox of this machine, in a folder of its own. */
export async function layTestSandbox(
  kind: SandboxKind,
  changes: Partial<SandboxSettings> = {},
): Promise<{ readonly sandbox: Sandbox; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-sandbox-'));
  const sandbox = createSandbox({
    mode: kind === 'bubblewrap' ? 'required' : 'preferred',
    path: process.env.PATH ?? '',
    bubblewrap: kind === 'bubblewrap' ? undefined : noSuchProgram,
    allow: [],
    folder,
    ...changes,
  });
  return { sandbox, remove: () => rm(folder, { recursive: true, force: true }) };
}
