import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PartCommand } from '../../stack/parts/part.ts';
import { openStateFolder } from '../../stack/state-folder.ts';
import { embeddedTemporal } from '../../stack/parts/embedded-temporal.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-temporal-'))));
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

/** Returns the command that the stack would start on a machine whose `temporal` prints this version. */
async function commandFor(said: string): Promise<PartCommand> {
  const cli = join(folder, 'temporal');
  await writeFile(cli, `#!/bin/sh\necho '${said}'\n`, { mode: 0o755 });
  vi.stubEnv('PERENNIAL_TEMPORAL_CLI', cli);
  const { part } = embeddedTemporal(openStateFolder(join(folder, 'home')), {
    port: 1,
    uiPort: 2,
    namespace: 'default',
  });
  return part.command();
}

test('a Temporal CLI whose server is safe is started', async () => {
  const { file } = await commandFor('temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)');
  expect(file).toBe(join(folder, 'temporal'));
});

test('the Temporal server does not check for newer versions', async () => {
  const { env } = await commandFor('temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)');
  expect(env.TEMPORAL_VERSION_CHECK_DISABLED).toBe('1');
});

test('a Temporal CLI whose server accepts signals from other namespaces is not started', async () => {
  await expect(commandFor('temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)')).rejects.toThrow(
    /cannot be used \(.*temporal has Temporal server 1\.29\.1, and versions older than 1\.30\.3 are unsafe\): run npm run setup/,
  );
});
