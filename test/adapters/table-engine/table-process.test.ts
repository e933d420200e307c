import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { mountsOfOwnProgram } from '../../../adapters/sandbox/own-program.ts';
import { openLockedDatabase } from '../../../adapters/table-engine/process/locked-database.ts';
import { createDuckDbTableEngine } from '../../../adapters/table-engine/duckdb.ts';
import { bikeData, tableEngineBench } from '../../support/table-engine-of-tests.ts';
import { sandboxOfTests } from '../../support/sandbox-of-tests.ts';

const bench = tableEngineBench();
const sandbox = sandboxOfTests();
const start = new URL('../../../adapters/sandbox/waiting/start.mjs', import.meta.url).href;
const entry = new URL('../../../adapters/table-engine/process/table-process-main.ts', import.meta.url).pathname;
const sandboxMaker = new URL('../../../adapters/sandbox/create-sandbox.ts', import.meta.url).pathname;
const adapter = new URL('../../../adapters/table-engine/duckdb.ts', import.meta.url).pathname;

/** Returns whether the program runs in this process or below it; the process itself may be only the sandbox. */
function hasBegun(pid: number): boolean {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args=']).toString().trim().split('\n');
  const processes = listed.map((line) => line.trim().split(/\s+/));
  const isBelow = (at: number): boolean =>
    at === pid || processes.some(([id, parent]) => Number(id) === at && Number(parent) > 1 && isBelow(Number(parent)));
  return processes.some(([id, , program, ...words]) => {
    return program === process.execPath && words.includes(entry) && isBelow(Number(id));
  });
}

/** Returns the table-engine processes that this parent process has started. */
function processesOf(parent: number): number[] {
  const listed = execFileSync('ps', ['-eo', 'pid=,ppid=,args='])
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return listed
    .filter(([, ppid, ...words]) => Number(ppid) === parent && words.includes(entry))
    .map(([pid]) => Number(pid));
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a locked database', () => {
  const open = async () =>
    openLockedDatabase({
      files: [bikeData],
      folders: [bench.folder()],
      spillFolder: bench.folder(),
      memoryLimit: '64MiB',
      timezone: 'UTC',
    });

  test('reads its input files', async () => {
    const database = await open();
    expect(await database.row(`SELECT count(*) AS rows FROM read_csv('${bikeData}')`)).toEqual({ rows: 17_379 });
  });

  test.each([
    ["SELECT * FROM read_csv('/etc/passwd')"],
    ["SELECT * FROM read_text('/etc/hostname')"],
    ["SELECT * FROM glob('/etc/*')"],
    [`SELECT * FROM read_csv('${bikeData}/../README.md')`],
    ["COPY (SELECT 1) TO '/tmp/perennial-escaped.csv'"],
    ["ATTACH '/tmp/perennial-escaped.db'"],
    ['INSTALL httpfs'],
    ['LOAD httpfs'],
    ["SELECT * FROM read_csv('https://example.org/a.csv')"],
    ['SET enable_external_access = true'],
    ["SET allowed_directories = ['/']"],
    ["SET memory_limit = '100GiB'"],
    ['RESET lock_configuration'],
  ])('refuses %s', async (sql) => {
    const database = await open();
    await expect(database.run(sql)).rejects.toThrow();
  });

  test('spills to disk when memory is full', async () => {
    const database = await open();
    await database.run('CREATE TABLE t AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(2000000)');
    expect(await database.row('SELECT count(DISTINCT b) AS n FROM (SELECT b FROM t ORDER BY b)')).toEqual({
      n: 2_000_000,
    });
  });
});

/** A request that reads nothing. */
const nothing = { segments: [], counting: { features: {}, prediction: { kind: 'categorical' } } } as const;

describe('the processes of an engine', () => {
  test('leave nothing in the scratch folder and end with the engine', async () => {
    const scratchFolder = bench.folder();
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder });
    await engine.summariseSegments(nothing);
    await until(() => processesOf(process.pid).length > 0);
    await engine.close();
    expect((await readdir(scratchFolder)).filter((name) => name.startsWith('call-'))).toEqual([]);
    await bench.engine.close();
    expect(processesOf(process.pid)).toEqual([]);
    await expect(engine.summariseSegments(nothing)).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('stop a call past its time limit, with an error that says so', async () => {
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: bench.folder(), timeLimitMs: 1 });
    await expect(engine.profile([bikeData], [])).rejects.toMatchObject({
      code: 'limit-reached',
      retryable: false,
      message: expect.stringMatching(/profile was stopped after 0.001 s; raise PERENNIAL_TABLE_TIMEOUT/),
    });
    await engine.close();
  });

  test.each([
    ['its database', { memoryLimit: '2MiB' }],
    ['its process, which is a limit of the sandbox', { memoryBytes: 90 * 2 ** 20 }],
  ])('give a final error that names the setting for a call that fills the memory of %s', async (_name, limits) => {
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: bench.folder(), ...limits });
    const file = { name: 'hour.csv', path: bikeData, format: 'csv' as const };
    const request = { files: [file], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [] };
    await expect(engine.prepareBatch({ ...request, outputFolder: bench.folder() })).rejects.toMatchObject({
      code: 'limit-reached',
      retryable: false,
      fields: { setting: 'PERENNIAL_TABLE_MEMORY' },
      message: expect.stringContaining('raise PERENNIAL_TABLE_MEMORY'),
    });
    await engine.close();
  });

  test('give a final error that names the setting for a compressed file that unpacks beyond the disk limit', async () => {
    const folder = bench.folder();
    const lines = Array.from({ length: 600_000 }, (_, at) => `${(at * 7_919) % 1_000_003}`);
    await writeFile(join(folder, 'rows.csv.gz'), gzipSync(`a\n${lines.join('\n')}\n`, { level: 1 }));
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: folder, diskBytes: 2 ** 20 });
    const file = { name: 'rows.csv.gz', path: join(folder, 'rows.csv.gz'), format: 'csv' as const };
    const request = { files: [file], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [] };
    await expect(engine.prepareBatch({ ...request, outputFolder: bench.folder() })).rejects.toMatchObject({
      code: 'limit-reached',
      retryable: false,
      fields: { setting: 'PERENNIAL_TABLE_DISK' },
    });
    await engine.close();
  });

  test('fail a call whose process is killed with process-died, and the next call works', async () => {
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: bench.folder() });
    const file = { name: 'hour.csv', path: bikeData, format: 'csv' as const };
    const request = { files: [file], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [] };
    const call = engine.prepareBatch({ ...request, outputFolder: bench.folder() });
    const failed = expect(call).rejects.toMatchObject({ code: 'process-died', retryable: true });
    // A process killed before its sandbox exists would end by itself a moment later.
    await until(() => processesOf(process.pid).some(hasBegun));
    const killed = processesOf(process.pid);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await failed;
    // The killed processes include one that was started in advance. The engine must notice its end before the next call
    // uses it.
    await until(() => processesOf(process.pid).every((pid) => !killed.includes(pid)));
    expect((await engine.prepareBatch({ ...request, outputFolder: bench.folder() })).rowsAdded).toBe(17_379);
    await engine.close();
  });

  test('wait for calls that come later, serve one each, and are replaced', async () => {
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: bench.folder(), spares: 2, ahead: true });
    await bench.engine.close();
    await until(() => processesOf(process.pid).length === 2);
    const ahead = processesOf(process.pid);
    const calls = [1, 2].map(() => engine.summariseSegments(nothing));
    await until(() => processesOf(process.pid).length > 0);
    expect(processesOf(process.pid).filter((pid) => !ahead.includes(pid))).toEqual([]);
    expect(await Promise.all(calls)).toHaveLength(2);
    expect(ahead.filter(alive)).toEqual([]);
    await until(() => processesOf(process.pid).length === 2);
    await engine.close();
    expect(processesOf(process.pid)).toEqual([]);
  });

  test('answer many concurrent calls', async () => {
    const engine = createDuckDbTableEngine({ sandbox, scratchFolder: bench.folder(), concurrency: 2 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => engine.summariseSegments(nothing)));
    expect(answers).toEqual(Array.from({ length: 8 }, () => []));
    await engine.close();
  });

  const preamble = (): string =>
    `import { createDuckDbTableEngine } from ${JSON.stringify(adapter)};
     import { createSandbox } from ${JSON.stringify(sandboxMaker)};
     const sandbox = createSandbox({ mode: 'preferred', path: process.env.PATH, allow: [], folder: ${JSON.stringify(bench.folder())}, scratchFolder: ${JSON.stringify(bench.folder())} });\n`;

  test('end with the process that started them, whether busy or idle', async () => {
    const script = join(bench.folder(), 'parent.ts');
    await writeFile(
      script,
      `${preamble()}
       const engine = createDuckDbTableEngine({ sandbox, scratchFolder: ${JSON.stringify(bench.folder())} });
       await engine.summariseSegments(${JSON.stringify(nothing)});
       for (;;) await engine.prepareBatch({ files: [{ name: 'h', path: ${JSON.stringify(bikeData)}, format: 'csv' }], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [], outputFolder: ${JSON.stringify(bench.folder())} });`,
    );
    const parent = spawn(process.execPath, [script], { stdio: 'ignore' });
    await until(() => processesOf(parent.pid ?? 0).length >= 2);
    const children = processesOf(parent.pid ?? 0);
    const ended = once(parent, 'exit');
    parent.kill('SIGKILL');
    await ended;
    await until(() => children.every((pid) => !alive(pid)));
  });

  test('end with their input even if their folder of compiled code was removed', async () => {
    const folder = join(bench.folder(), 'compiled');
    await mkdir(folder);
    const child = await sandbox.open({
      title: 'a table process',
      file: '/bin/sh',
      args: ['-c', `echo ready; read -r go; exec '${process.execPath}' '--import=${start}' '${entry}' '${folder}'`],
      cwd: '/',
      env: { TZ: 'UTC' },
      mounts: [...mountsOfOwnProgram(), { source: folder }],
      network: { kind: 'none' },
      limits: { timeoutMs: 20_000, memoryBytes: 2 ** 30, processes: 2, diskBytes: 2 ** 20, files: 10 },
      signal: new AbortController().signal,
    });
    await once(child.stdout, 'data');
    await rmdir(folder);
    child.stdin.end('go\n');
    expect(await child.ended).toMatchObject({ kind: 'exited' });
  });

  test('do not keep a finished process alive', async () => {
    const script = join(bench.folder(), 'short.ts');
    await writeFile(
      script,
      `${preamble()}\nawait createDuckDbTableEngine({ sandbox, scratchFolder: ${JSON.stringify(bench.folder())} }).summariseSegments(${JSON.stringify(nothing)});\n`,
    );
    const child = spawn(process.execPath, [script], { stdio: 'ignore' });
    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});
