import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { startEmbeddedStack } from '../support/embedded-stack.ts';
import { readPage, repository } from './page.ts';

// Follows each page of docs/how-to as a reader would: writes its files, then runs its commands in order, all on one
// stack.

const pages = [
  'your-own-training-script',
  'from-a-notebook',
  'gates',
  'classifiers',
  'approvals-with-two-people',
  'shadow-and-canary',
  'rollback',
  'drift-and-retraining',
];

let stack: EmbeddedStack;
beforeAll(async () => {
  stack = await startEmbeddedStack();
});
afterAll(() => stack?.end());

/** Adapts a script to the test, where `npx perennial` and the ports differ from a reader's machine. */
function asRead(script: string): string {
  return [
    'set -euo pipefail',
    `npx() { shift; "${process.execPath}" "${join(repository, 'cli/main.ts')}" "$@"; }`,
    script.replaceAll('http://127.0.0.1:7400', stack.api).replaceAll('http://127.0.0.1:7401', stack.gateway),
  ].join('\n');
}

async function follow(name: string): Promise<{ readonly code: number | null; readonly said: string }> {
  const { files, script } = readPage(name);
  const folder = await mkdtemp(join(tmpdir(), `perennial-how-to-${name}-`));
  try {
    await symlink(join(repository, 'examples'), join(folder, 'examples'));
    await symlink(stack.home, join(folder, '.perennial'));
    for (const { path, text } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const shell = spawn('bash', ['-c', asRead(script)], {
      cwd: folder,
      env: { ...process.env, PERENNIAL_HOME: stack.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
    await once(shell, 'close');
    return { code: shell.exitCode, said };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test.each(pages)('%s can be followed to its end', { timeout: 180_000 }, async (name) => {
  const { code, said } = await follow(name);
  expect(code, said).toBe(0);
});
