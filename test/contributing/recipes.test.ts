import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyDiff, readRecipes } from './read-recipes.ts';

// Applies every recipe of CONTRIBUTING.md to one copy of the repository, which must then pass the same checks as the
// repository.

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);
const recipes = readRecipes(await readFile(join(root, 'CONTRIBUTING.md'), 'utf8'));

/** The largest number of files that each kind of addition may touch, its test included. */
const filesAtMost: Readonly<Record<string, number>> = {
  'An activity': 3,
  'A pipeline': 5,
  'A drift test': 3,
  'A metric': 3,
  'A gate': 3,
  'A notifier': 3,
  'A storage adapter': 3,
  'A data source': 3,
  'A model format': 5,
  'A training engine': 5,
  'A measure': 3,
};

let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'perennial-recipes-'));
  for (const name of await readdir(root))
    if (!/^(\.git|\.perennial|node_modules|test-report\.json)$/.test(name))
      await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const { files } of recipes)
    for (const file of files) {
      const path = join(copy, file.path);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.kind === 'file' ? file.text : applyDiff(await readFile(path, 'utf8'), file));
    }
  await inCopy('docs/generate.ts');
}, 60_000);
afterAll(() => rm(copy, { recursive: true, force: true }));

async function inCopy(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, args, { cwd: copy, maxBuffer: 2 ** 24 }).catch(
    (failure: { readonly stdout: string; readonly stderr: string }) => {
      throw new Error(`${args.join(' ')}:\n${failure.stdout}\n${failure.stderr}`);
    },
  );
  return `${stdout}\n${stderr}`;
}

test('there is a recipe for each kind of addition', () => {
  expect(recipes.map(({ title }) => title)).toEqual(Object.keys(filesAtMost));
});

test.each(recipes)('$title touches no more files than allowed, its test included', ({ title, files }) => {
  expect(new Set(files.map(({ path }) => path)).size).toBeLessThanOrEqual(filesAtMost[title] ?? 0);
  expect(files.filter(({ path }) => path.endsWith('.test.ts'))).toHaveLength(1);
});

describe('the repository with all additions', () => {
  test('has no type errors', () => inCopy('node_modules/typescript/bin/tsc', '--noEmit'));

  test('is formatted', () => inCopy('node_modules/oxfmt/bin/oxfmt', '--check', '.'));

  test('passes the tests of the recipes and of the order of the repository', async () => {
    const added = recipes
      .flatMap(({ files }) => files.map(({ path }) => path))
      .filter((path) => path.endsWith('.test.ts'));
    const said = await inCopy(
      'node_modules/vitest/vitest.mjs',
      'run',
      'test/architecture',
      'test/docs/generated.test.ts',
      ...added,
    );
    for (const path of added) expect(said).toContain(path);
  }, 180_000);
});

describe('the lines of a recipe', () => {
  const file = { path: 'a.ts', kind: 'diff' as const };

  test('are added and removed where the lines around them stand', () => {
    expect(applyDiff('one\ntwo\nthree\n', { ...file, text: ' one\n+and a half\n-two\n' })).toBe(
      'one\nand a half\nthree\n',
    );
  });

  test('are refused where the lines around them do not stand, or stand twice', () => {
    expect(() => applyDiff('one\n', { ...file, text: ' two\n+three\n' })).toThrow(/occur 0 times in a.ts/);
    expect(() => applyDiff('one\none\n', { ...file, text: ' one\n+two\n' })).toThrow(/occur 2 times in a.ts/);
  });
});
