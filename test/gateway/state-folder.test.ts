import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayDisk } from '../../gateway/log/gateway-disk.ts';
import { GatewayState } from '../../gateway/following/gateway-state.ts';

let folder: string;
const said: string[] = [];
const note = (_: object, message: string): void => void said.push(message);
const logger = { debug: note, info: note, warn: note, error: note };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-state-'));
  said.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('of what is kept at the same time the last is found again, and none fails', async () => {
  const state = new GatewayState(folder, logger, new GatewayDisk(folder, logger));
  const instants = Array.from({ length: 50 }, (_, second) => new Date(second * 1_000).toISOString());
  await Promise.all(instants.map((readAt) => state.keepReadAt(readAt)));
  expect(said).toEqual([]);
  expect(await state.readAt()).toBe(instants.at(-1));
  expect(JSON.parse(await readFile(state.path('read-at.json'), 'utf8'))).toMatchObject({ readAt: instants.at(-1) });
});
