import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { LookAroundSettings } from '../../adapters/sandbox/look-around.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';
import { sandboxIn } from './lay-sandbox.ts';

/**
 * Returns one sandbox for all tests of a file. `mode` says whether bubblewrap is required. Its folder is removed after
 * the tests.
 */
export function sandboxOfTests(mode: LookAroundSettings['mode'] = 'preferred'): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-sandbox-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return sandboxIn(folder, mode);
}

/** Returns a folder for the files of sandboxed processes. It is removed after the tests of a file. */
export function scratchOfTests(): string {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-scratch-'));
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));
  return folder;
}
