import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkImports, loadedFrom, readTree, type LawReport } from './check-imports.ts';
import { importLaw } from './import-law.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the import law', () => {
  const tree = readTree(root);

  it('permits every import of every folder', () => {
    expect(tree.size).toBeGreaterThan(100);
    expect(checkImports(tree, importLaw).violations).toEqual([]);
  });

  it('contains no unused permission', () => {
    expect(checkImports(tree, importLaw).stale).toEqual([]);
  });

  it('keeps Node out of everything that workflows load, so that they replay in the sandbox', () => {
    const loaded = loadedFrom(tree, 'workflows/index.ts');
    expect(loaded.size).toBeGreaterThan(5);
    expect([...loaded.keys()].filter((path) => !/^(workflows|contracts)\//.test(path))).toEqual([]);
    expect([...loaded.keys()]).not.toContain('contracts/digest.ts');
    expect([...loaded].filter(([, outside]) => outside.some((target) => target.startsWith('node:')))).toEqual([]);
  });

  it.each([
    'adapters/table-engine/process/table-process-main.ts',
    'adapters/model-formats/onnx/inspection/inspection-process.ts',
  ])('%s, which starts for a single call, loads no schemas', (entry) => {
    const loaded = loadedFrom(tree, entry);
    expect(loaded.size).toBeGreaterThan(5);
    expect([...loaded].filter(([, outside]) => outside.includes('zod'))).toEqual([]);
  });
});

describe('the import law finds violations', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** Checks a tree of only these files against the import law. */
  function check(files: Readonly<Record<string, string>>): LawReport {
    const folder = mkdtempSync(join(tmpdir(), 'perennial-law-'));
    folders.push(folder);
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    return checkImports(readTree(folder), importLaw);
  }

  it.each([
    ['a workflow that runs an activity itself', 'workflows/a.ts', "import { train } from '../activities/train.ts';"],
    [
      'a type import that still loads the module',
      'workflows/a.ts',
      "import { type Train } from '../activities/train.ts';",
    ],
    ['a workflow that loads Node', 'workflows/a.ts', "import { readFileSync } from 'node:fs';"],
    ['a workflow that re-exports an activity', 'workflows/a.ts', "export * from '../activities/train.ts';"],
    ['a contract that imports a port', 'contracts/a.ts', "import type { Clock } from '../ports/clock.ts';"],
    ['a port with code in it', 'ports/a.ts', "import { parse } from '../contracts/parse.ts';"],
    ['a route that imports a workflow', 'api/routes/a.ts', "import { lifecycle } from '../../workflows/lifecycle.ts';"],
    [
      'a route that imports an adapter',
      'api/routes/a.ts',
      "import { createDiskStore } from '../../adapters/object-store/disk.ts';",
    ],
    ['an activity that imports the database', 'activities/a.ts', "const { sql } = await import('../db/sql.ts');"],
    ['a dynamic import with a computed name', 'activities/a.ts', 'await import(name);'],
    ['an inline type import', 'statistics/a.ts', "export type A = import('../ports/clock.ts').Clock;"],
    ['an adapter that imports its sibling', 'adapters/ids/a.ts', "import { pino } from '../logger/pino.ts';"],
    ['an adapter that imports its sibling’s library', 'adapters/ids/a.ts', "import { Client } from 'minio';"],
    ['a folder that imports a test', 'worker/a.ts', "import { startMinio } from '../test/support/minio.ts';"],
    [
      'a command line that opens the database',
      'cli/verbs/a.ts',
      "import { connect } from '../../db/connection/connect.ts';",
    ],
    ['an unknown folder', 'misc/a.ts', 'export const a = 1;'],
  ])('%s', (_, path, source) => {
    const { violations } = check({ [path]: source });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(new RegExp(`^${path}:1 `));
  });

  it.each([
    ['const url = process.env.DATABASE_URL;'],
    ["const url = process['env']['DATABASE_URL'];"],
    ['const url = globalThis.process.env.DATABASE_URL;'],
    ['const { env } = process;'],
    ["import { env } from 'node:process';"],
  ])('an activity that reads the environment: %s', (source) => {
    expect(check({ 'activities/a.ts': source }).violations).toEqual([
      'activities/a.ts:1 reads the environment; only the mains do',
    ]);
    expect(check({ 'gateway/main.ts': source }).violations).toEqual([]);
  });

  it('an import in a comment or a string is no violation', () => {
    const source =
      "// import { a } from '../db/a.ts';\n/* import '../db/b.ts' */\nexport const text = \"import '../db/c.ts'\";";
    expect(check({ 'contracts/a.ts': source }).violations).toEqual([]);
  });

  it('an unused permission is named', () => {
    expect(check({ 'contracts/a.ts': "import { z } from 'zod';" }).stale).toContain('contracts/ may import luxon');
  });
});
