import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readTree } from './check-imports.ts';
import { circlesOf, namesNotInKebabCase, sharedExports, sharedFileNames } from './check-order.ts';
import { readDeclarations } from './read-declarations.ts';
import { readSource } from './read-imports.ts';

const root = join(import.meta.dirname, '..', '..');
const tree = readTree(root);
const paths = [...tree.keys()];
/** Leaves out declaration files, which repeat the names of the modules that they describe. */
const sources = paths.filter((path) => !path.endsWith('.d.mts'));
const declared = new Map(sources.map((path) => [path, readDeclarations(path, readFileSync(join(root, path), 'utf8'))]));

const linesAtMost = 400;
const longFunction = 60;
const longFunctionsAtMost = 0.005;
const filesSideBySideAtMost = 30;

describe('the order of the repository', () => {
  test('is checked on real files', () => {
    expect(paths.length).toBeGreaterThan(1000);
  });

  test('names files in kebab-case', () => {
    expect(namesNotInKebabCase(paths)).toEqual([]);
  });

  test('gives no two files the same name', () => {
    expect(sharedFileNames(paths)).toEqual([]);
  });

  test('gives no two files an export of the same name', () => {
    expect(sharedExports(declared)).toEqual([]);
  });

  test('contains no import cycles, types included', () => {
    expect(circlesOf(tree)).toEqual([]);
  });

  test(`limits files to ${linesAtMost} lines`, () => {
    const long = [...declared].filter(([, { lines }]) => lines > linesAtMost);
    expect(long.map(([path, { lines }]) => `${path}: ${lines}`)).toEqual([]);
  });

  test(`lets fewer than ${100 * longFunctionsAtMost} % of the functions be longer than ${longFunction} lines`, () => {
    const functions = [...declared]
      .filter(([path]) => !path.startsWith('test/'))
      .flatMap(([path, declarations]) =>
        declarations.functions.map(({ line, lines }) => ({ where: `${path}:${line}`, lines })),
      );
    const long = functions.filter(({ lines }) => lines > longFunction);
    expect(
      long.length / functions.length,
      long.map(({ where, lines }) => `${where}: ${lines}`).join('\n'),
    ).toBeLessThan(longFunctionsAtMost);
  });

  test(`limits a folder of the product to ${filesSideBySideAtMost} sources`, () => {
    const folders = Map.groupBy(
      paths.filter((path) => !path.startsWith('test/')),
      (path) => dirname(path),
    );
    const full = [...folders].filter(([, files]) => files.length > filesSideBySideAtMost);
    expect(full.map(([folder, files]) => `${folder}: ${files.length}`)).toEqual([]);
  });
});

describe('the checks of the order find violations', () => {
  const treeOf = (files: Readonly<Record<string, string>>) =>
    new Map(Object.entries(files).map(([path, source]) => [path, readSource(path, source)]));
  const declaredIn = (files: Readonly<Record<string, string>>) =>
    new Map(Object.entries(files).map(([path, source]) => [path, readDeclarations(path, source)]));

  test('a name in camelCase', () => {
    expect(namesNotInKebabCase(['db/a.ts', 'db/readRows.ts', 'test/a-b.test.ts'])).toEqual(['db/readRows.ts']);
  });

  test('a shared file name, unless it is that of a port', () => {
    expect(sharedFileNames(['db/rows.ts', 'api/rows.ts'])).toEqual(['rows.ts: db/rows.ts, api/rows.ts']);
    expect(sharedFileNames(['ports/clock.ts', 'adapters/clock/clock.ts', 'api/main.ts', 'cli/main.ts'])).toEqual([]);
  });

  test('an exported name that two files declare, but not a re-export', () => {
    const files = { 'db/a.ts': 'export function read(): void {}', 'api/b.ts': 'export const read = 1;' };
    expect(sharedExports(declaredIn(files))).toEqual(['read: db/a.ts, api/b.ts']);
    const passedOn = { 'db/a.ts': 'export const read = 1;', 'db/b.ts': "export { read } from './a.ts';" };
    expect(sharedExports(declaredIn(passedOn))).toEqual([]);
  });

  test('a cycle of types', () => {
    const files = {
      'db/a.ts': "import type { B } from './b.ts'; export type A = B;",
      'db/b.ts': "import type { C } from './c.ts'; export type B = C;",
      'db/c.ts': "import type { A } from './a.ts'; export type C = A | 1;",
      'db/d.ts': "import type { A } from './a.ts'; export type D = A;",
    };
    expect(circlesOf(treeOf(files)).map((circle) => circle.toSorted())).toEqual([['db/a.ts', 'db/b.ts', 'db/c.ts']]);
  });

  test('the length of a function in lines', () => {
    const source = 'export function f(): number {\n  return 1;\n}\nconst g = () => 2;\n';
    expect(readDeclarations('a.ts', source)).toMatchObject({
      functions: [
        { line: 1, lines: 3 },
        { line: 4, lines: 1 },
      ],
      lines: 4,
    });
  });
});
