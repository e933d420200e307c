import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';

const servers = join(import.meta.dirname, '../../bench/floor');

async function start(program: string, argument: string): Promise<string> {
  const child = spawn(process.execPath, [join(servers, program), argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /listens at (\S+)/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`${program} did not start`);
}

function post(url: string, body: string): Promise<Response> {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

test('the floor parses the body and gives the answers of its file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-floor-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'answers.json');
  await writeFile(file, JSON.stringify([{ outputs: [1] }, { predictions: [2] }]));
  const address = await start('floor-server.ts', file);
  expect(await (await post(`${address}/answers/1`, '{}')).json()).toEqual({ predictions: [2] });
  expect((await post(`${address}/answers/0`, '{')).status).toBe(400);
});

test('the bare server gives one answer to a request that arrives in several chunks', async () => {
  const body = 'x'.repeat(300_000);
  const address = await start('bare-server.ts', String(body.length));
  for (let request = 0; request < 3; request += 1) expect(await (await post(address, body)).json()).toEqual({});
});
