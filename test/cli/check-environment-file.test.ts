import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkEnvironmentFile } from '../../cli/check-environment-file.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-check-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a file that no worker would install is refused before it is uploaded', async () => {
  await writeFile(join(folder, 'requirements.txt'), 'pandas==2.3.3\nx @ file:///tmp/x\n');
  await expect(checkEnvironmentFile(folder, 'requirements.txt')).rejects.toThrow(
    /^requirements\.txt:2 cannot be installed/,
  );
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, 'package-lock.json'), '{"lockfileVersion":1}');
  await expect(checkEnvironmentFile(folder, 'package-lock.json')).rejects.toThrow(/lockfileVersion 2 or newer/);
});

test('a good file, none, and one that is not there pass: the server says more', async () => {
  await writeFile(join(folder, 'good.txt'), '--index-url https://packages.example/simple\npandas==2.3.3\n');
  for (const path of ['good.txt', 'nowhere.txt', undefined]) await checkEnvironmentFile(folder, path);
});
