import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');

test('every dependency has one line with its reason, and every line has its dependency', async () => {
  const { dependencies, devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const page = await readFile(join(root, 'docs/reference/dependencies.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)];
  const named = rows.map(([, name]) => name);
  expect(new Set(named)).toEqual(new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]));
  expect(named).toHaveLength(new Set(named).size);
  for (const [, name, reason] of rows) expect(reason!.length, name).toBeGreaterThan(20);
});
