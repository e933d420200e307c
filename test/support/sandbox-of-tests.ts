import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { LookAroundSettings } from '../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';
import { sandboxIn } from './lay-sandbox.ts';

/** The sandbox of this machine for all tests of a file. `mode`: whether it must be bubblewrap's. Its folder is gone after them. */
export function sandboxOfTests(mode: LookAroundSettings['mode'] = 'preferred'): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-sandbox-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return sandboxIn(folder, mode);
}
