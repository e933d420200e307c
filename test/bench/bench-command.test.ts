import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { measures } from '../../bench/measures/index.ts';

const main = join(import.meta.dirname, '../../bench/main.ts');

async function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve) => child.once('exit', (status) => resolve(status ?? -1))),
  ]);
  return { code, stdout, stderr };
}

test('the measures are listed with what they compare', async () => {
  const { code, stdout } = await bench('--list');
  expect(code).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(measures.length);
  for (const { name, summary } of measures) expect(stdout).toContain(`${name.padEnd(12)} ${summary}`);
});

test('the help has examples, and an unknown measure is refused with the known ones', async () => {
  expect((await bench('--help')).stdout).toContain('npm run bench -- serving');
  const { code, stderr } = await bench('swimming');
  expect(code).toBe(1);
  expect(stderr).toContain('there is no measure "swimming"; there are serving');
});

test('measures have different names', () => {
  expect(new Set(measures.map(({ name }) => name)).size).toBe(measures.length);
});
