import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readTree } from './check-imports.ts';
import { findProcessStarts, startersOfProcesses } from './find-process-starts.ts';

const root = join(import.meta.dirname, '..', '..');

test('only the sandbox, the stack, setup and the launchers start processes', () => {
  expect(findProcessStarts(readTree(root))).toEqual([]);
});

test('every place that may start a process exists', () => {
  expect(startersOfProcesses.filter(({ place }) => !existsSync(join(root, place)))).toEqual([]);
});

describe('a process start elsewhere is found', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  function found(path: string, source: string): readonly string[] {
    const folder = mkdtempSync(join(tmpdir(), 'perennial-starts-'));
    folders.push(folder);
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), source);
    return findProcessStarts(readTree(folder));
  }

  test.each([
    "import { spawn } from 'node:child_process';",
    "import { execFileSync as run } from 'child_process';",
    "import * as processes from 'node:child_process';",
    "import processes from 'node:child_process';",
    "import 'node:child_process';",
    "export * from 'node:child_process';",
    "export { fork } from 'node:child_process';",
    "import { type ChildProcess } from 'node:child_process';",
    "const { exec } = await import('node:child_process');",
    "const { exec } = require('child_process');",
    "const { exec } = createRequire(import.meta.url)('node:child_process');",
    "const { exec } = process.getBuiltinModule('node:child_process');",
    "const { exec } = process['getBuiltinModule'](name);",
    "process.binding('spawn_sync').spawn({});",
    "globalThis.process._linkedBinding('spawn_sync');",
    "import cluster from 'node:cluster';",
  ])('in %s', (source) => {
    for (const path of ['adapters/table-engine/a.ts', 'activities/a.ts', 'cli/a.ts', 'gateway/main.ts'])
      expect(found(path, source), path).toEqual([`${path}:1`]);
    expect(found('adapters/sandbox/a.ts', source)).toEqual([]);
    expect(found('stack/a.ts', source)).toEqual([]);
  });

  test.each([
    "import type { ChildProcess } from 'node:child_process';",
    "import { Worker } from 'node:worker_threads';",
    '// import { spawn } from "node:child_process";',
  ])('but not in %s, which starts none', (source) => {
    expect(found('activities/a.ts', source)).toEqual([]);
  });
});
