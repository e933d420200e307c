import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountsOfOwnProgram } from '../../adapters/sandbox/own-program.ts';
import { compiledCode } from '../../adapters/sandbox/waiting/compiled-code.ts';
import type { Sandbox } from '../../adapters/sandbox/sandbox.ts';
import { createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import { probingSandbox } from '../support/probing-sandbox.ts';
import { sandboxOfTests } from '../support/sandbox-of-tests.ts';

const sandbox = sandboxOfTests('required');
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'perennial-home-'));
  await mkdir(join(home, 'scratch', 'activities', 'other'), { recursive: true });
  await writeFile(join(home, 'state.json'), 'a-planted-secret');
  await writeFile(join(home, 'scratch', 'activities', 'other', 'rows.csv'), 'a-planted-secret');
  await writeFile(join(home, 'rows.csv'), 'a,b\n1,2\n');
});
afterEach(() => rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }));

/**
 * Calls the engine once, with this script run before each of its processes under the same settings, and returns the
 * outputs.
 */
async function probed(script: string): Promise<readonly string[]> {
  process.env.DATABASE_URL_OF_THIS_TEST = 'a-planted-secret';
  const probe = probingSandbox(sandbox, script);
  const engine = createDuckDbTableEngine({ sandbox: probe, scratchFolder: join(home, 'scratch', 'tables') });
  try {
    await engine.profile([], []).catch(() => undefined);
  } finally {
    await engine.close();
    delete process.env.DATABASE_URL_OF_THIS_TEST;
  }
  expect(probe.said.length).toBeGreaterThan(0);
  for (const text of probe.said) expect(text).toContain('done');
  return probe.said;
}

test('a process of the table engine reads no secret, no state and no rows of other calls', async () => {
  const files = [join(home, 'state.json'), join(home, 'rows.csv'), join(home, 'scratch/activities/other/rows.csv')];
  const said = await probed(
    `cat ${files.join(' ')} /etc/shadow /proc/*/environ; env; ls -a ${home} ${homedir()}; echo done`,
  );
  for (const text of said) {
    expect(text).not.toContain('planted-secret');
    expect(text).not.toContain('state.json\n');
    expect(text).not.toMatch(/root:[*!$]/);
  }
});

test('a process of the table engine writes only to two folders of its own', async () => {
  const said = await probed(
    `for at in / /etc /usr /tmp ${home} ${home}/scratch ${home}/scratch/tables/call-*/given ${compiledCode('table-engine', '', `${home}/scratch/tables`).folder} ${process.cwd()}/adapters; do (echo x > "$at/planted") 2>/dev/null && echo "wrote $at"; done
     for at in ${home}/scratch/tables/call-*/{made,spill}; do (echo x > "$at/planted") 2>/dev/null && echo "kept $at"; done; echo done`,
  );
  for (const text of said) {
    // The folder of compiled code is writable only for the process that receives no rows.
    expect(text.replaceAll(/^wrote .*table-engine\n/gm, '')).not.toContain('wrote');
    expect(text.match(/kept/g)).toHaveLength(2);
  }
  expect(said[0]).not.toContain('wrote');
});

test('a process of the table engine has no network', async () => {
  const said = await probed(
    'ls /sys/class/net; cat /proc/net/route | wc -l; (echo > /dev/tcp/127.0.0.1/22) && echo reached; echo done',
  );
  for (const text of said) {
    expect(text).not.toContain('reached');
    expect(text).not.toMatch(/^(eth|en|wl)/m);
  }
});

/** A sandbox in which malicious input has taken over the process: the script answers in its place. */
function takenOver(script: string): Sandbox {
  return { ...sandbox, open: (command) => sandbox.open({ ...command, file: '/bin/bash', args: ['-c', script] }) };
}

test('a link in place of a result does not make the platform read its own file', async () => {
  const script = `read -r call; folder=$(grep -o '[^"]*/made/0.csv' <<< "$call"); ln -s ${home}/state.json "$folder"; echo '{"kind":"result","result":null}'; sleep 60`;
  const engine = createDuckDbTableEngine({
    sandbox: takenOver(script),
    scratchFolder: join(home, 'scratch', 'tables'),
  });
  const path = join(home, 'export.csv');
  await expect(engine.exportRows({ parts: [], format: 'csv', path })).rejects.toMatchObject({
    message: expect.stringContaining('did not write a regular file'),
  });
  await engine.close();
  await expect(stat(path)).rejects.toThrow('ENOENT');
});

test('a result that names files of others moves none of them', async () => {
  const stolen = join(home, 'state.json');
  const result = { known: [], quarantine: null, parts: [{ path: stolen, rows: 1, bytes: 1, sha256: '0' }] };
  const script = `read -r call; echo '${JSON.stringify({ kind: 'result', result })}'; sleep 60`;
  const engine = createDuckDbTableEngine({
    sandbox: takenOver(script),
    scratchFolder: join(home, 'scratch', 'tables'),
  });
  const outputFolder = join(home, 'output');
  await mkdir(outputFolder);
  const request = { files: [], pinned: null, known: [], timezone: 'UTC', required: [], expectations: [], outputFolder };
  await expect(engine.prepareBatch(request)).rejects.toMatchObject({
    message: expect.stringContaining('outside of its folder'),
  });
  await engine.close();
  expect(await readFile(stolen, 'utf8')).toBe('a-planted-secret');
});

test('the mounts of the platform’s own programs never include the project folder or its state', () => {
  const root = resolve(import.meta.dirname, '../..');
  for (const { source } of mountsOfOwnProgram()) {
    expect(`${root}/.perennial/`.startsWith(`${source}/`), source).toBe(false);
    expect(`${root}/.env`.startsWith(`${source}/`), source).toBe(false);
    expect(source).not.toMatch(/\.perennial|\.env/);
  }
});
