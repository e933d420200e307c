import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkEnvironmentFile } from '../../cli/files/check-environment-file.ts';
import { cli } from './run-cli.ts';

const configuration = `schemaVersion: 1
name: fresh
task: regression
owner: us
data: { source: { path: rows.csv }, key: id, target: cnt, features: [temp] }
code: { path: ./train, command: [python, train.py], environment: requirements.txt }
build: { holdout: { fraction: 0.2, by: KEY } }
`;

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'perennial-check-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a file that no worker would install is refused before the upload', async () => {
  await writeFile(join(folder, 'requirements.txt'), 'pandas==2.3.3\nx @ file:///tmp/x\n');
  await expect(checkEnvironmentFile(folder, 'requirements.txt')).rejects.toThrow(
    /^requirements\.txt:2 cannot be installed/,
  );
  await writeFile(join(folder, 'package.json'), '{}');
  await writeFile(join(folder, 'package-lock.json'), '{"lockfileVersion":1}');
  await expect(checkEnvironmentFile(folder, 'package-lock.json')).rejects.toThrow(/lockfileVersion 2 or newer/);
});

test('a good file, no file and a missing file pass, because the server checks them', async () => {
  await writeFile(join(folder, 'good.txt'), '--index-url https://packages.example/simple\npandas==2.3.3\n');
  for (const path of ['good.txt', 'nowhere.txt', undefined]) await checkEnvironmentFile(folder, path);
});

test.each([
  [
    'a requirement that is not a package name',
    { 'requirements.txt': 'x @ file:///tmp/x\n' },
    /requirements\.txt:1 cannot be installed/,
  ],
  ['no folder', {}, /nothing was applied: code\.path is \.\/train, but \S+train does not exist;/],
])('apply sends nothing to the API when its code is refused: %s', async (_, files, reason) => {
  const asked: string[] = [];
  const api = createServer((request, answer) => {
    asked.push(`${request.method} ${request.url}`);
    answer.writeHead(500).end();
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  const address = api.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const place = await mkdtemp(join(folder, 'apply-'));
  const entries = Object.entries(files);
  if (entries.length > 0) await mkdir(join(place, 'train'));
  for (const [name, text] of entries) await writeFile(join(place, 'train', name), text);
  const file = join(place, 'perennial.yaml');
  await writeFile(file, configuration);
  const said = await cli(['apply', '-f', file], {
    PERENNIAL_URL: `http://127.0.0.1:${address.port}`,
    PERENNIAL_KEY: 'key',
  });
  api.close();
  expect(said.code).not.toBe(0);
  expect(said.stderr).toMatch(reason);
  expect(asked).toEqual([]);
});
