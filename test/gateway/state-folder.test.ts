import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServingEntry } from '../../ports/repositories/deployment-repository.ts';
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

test('the last of several concurrent writes is read again, and none fails', async () => {
  const state = new GatewayState(folder, logger, new GatewayDisk(folder, logger));
  const instants = Array.from({ length: 50 }, (_, second) => new Date(second * 1_000).toISOString());
  await Promise.all(instants.map((readAt) => state.keepReadAt(readAt)));
  expect(said).toEqual([]);
  expect(await state.readAt()).toBe(instants.at(-1));
  expect(JSON.parse(await readFile(state.path('read-at.json'), 'utf8'))).toMatchObject({ readAt: instants.at(-1) });
});

const id = '0193e2c8-0000-7000-8000-000000000001';
const at = '2026-01-01T00:00:00.000Z';
const entry: ServingEntry = {
  scope: { project: 'default', model: 'bike', modelId: id, environment: 'production' },
  generation: {
    modelId: id,
    environment: 'production',
    generation: 1,
    slots: [],
    change: 'first',
    reason: '',
    runId: id,
    recordedAt: at,
    effectiveAt: at,
    recordedBy: id,
  },
  routingKey: null,
  log: { sample: 1, onFull: 'refuse' },
  shadowTolerance: 0,
  staleness: { maxMs: 10_000, onStale: 'say' },
  virtual: false,
  versions: [
    {
      id,
      number: 1,
      artifact: 'a'.repeat(64),
      format: 'onnx',
      signature: {
        schemaVersion: 1,
        layout: 'columns',
        inputs: [{ name: 'temp', type: 'FP32' }],
        output: { name: 'label', type: 'BYTES' },
      },
      releaseDigest: 'b'.repeat(64),
    },
  ],
};

test("the serving table is read again, including what a model's format adds to its signature", async () => {
  const [version] = entry.versions;
  const { signature } = version!;
  const withFormat = {
    ...signature,
    inputs: [{ name: 'temp', type: 'FP32', rank: 1 }],
    output: { ...signature.output, labels: 'places' },
  } as unknown as typeof signature;
  const kept = { ...entry, versions: [{ ...version!, signature: withFormat }] };
  await new GatewayState(folder, logger, new GatewayDisk(folder, logger)).keepEntries([kept]);
  expect(await new GatewayState(folder, logger, new GatewayDisk(folder, logger)).entries()).toEqual([kept]);
  expect(said).toEqual([]);
});

test('a serving table from before versions had a format is read', async () => {
  const { format: _format, ...older } = entry.versions[0]!;
  const table = { schemaVersion: 1, entries: [{ ...entry, versions: [older] }] };
  await writeFile(join(folder, 'serving-table.json'), JSON.stringify(table));
  const state = new GatewayState(folder, logger, new GatewayDisk(folder, logger));
  expect(await state.entries()).toEqual([entry]);
  expect(said).toEqual([]);
});
