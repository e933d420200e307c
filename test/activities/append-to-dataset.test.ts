import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCommitDataset } from '../../activities/data/commit-dataset.ts';
import { createPrepareDataset } from '../../activities/data/prepare-dataset.ts';
import { createProfileDataset } from '../../activities/data/profile-dataset.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { configuration } from '../db/database-ground.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import { beginRun } from '../support/seed-candidate.ts';
import { tableEngineBench } from '../support/table-engine-of-tests.ts';

const bench = tableEngineBench();
const keyed = Configuration.parse({ ...configuration, data: { ...configuration.data, key: 'id' } });

let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(keyed);
});
afterAll(() => ground?.end());

const rows = (from: number, to: number): string =>
  `id,temp,cnt\n${Array.from({ length: to - from }, (_, at) => [from + at, `${from + at}.5`, from + at].join(',')).join('\n')}\n`;

/** Ingests rows as a data run does, and returns the version and the blobs that were fetched as files. */
async function ingest(text: string) {
  const { repositories, scope, by, store } = ground;
  const fetched: Sha256[] = [];
  const objectStore = new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]) => {
        if (name === 'getFile') fetched.push(String(given[0]));
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  }) satisfies ObjectStore;
  const { sha256 } = await store.putBytes(Buffer.from(text));
  const files = [{ name: 'rows.csv', sha256, format: 'csv' as const }];
  const request = { kind: 'data', schemaVersion: 1, files } as const;
  const runId = await beginRun(repositories, scope, request, by);
  const parts = { repositories, objectStore, tableEngine: bench.engine, clock: createSystemClock() };
  const deps = { ...parts, scratchFolder: bench.folder() } as never;
  const { staged } = await createPrepareDataset(deps)({ runId, scope, fetched: null });
  const { profile } = await createProfileDataset(deps)({ runId, scope, staged });
  const { datasetVersionId } = await createCommitDataset(deps)({ runId, scope, staged, profile });
  await repositories.runs.cancel(runId, 'the test goes on');
  return {
    version: await repositories.datasets.get(datasetVersionId),
    fetched: fetched.filter((one) => one !== sha256),
  };
}

test('an append fetches only what it needs, and collected garbage takes none of it', async () => {
  const first = await ingest(rows(0, 50));
  const second = await ingest(rows(50, 60));
  const parts = second.version.manifest.parts.map(({ sha256 }) => sha256);
  expect(parts).toHaveLength(2);
  // A small dataset is profiled in full, for which both parts are fetched.
  expect(second.fetched).toEqual(parts);
  expect(second.version.profile?.columns[0]).toMatchObject({ count: 60, distinct: 60 });
  expect(second.version.profile?.asOf).toBeUndefined();
  const summaries = await ground.repositories.datasets.summaries(second.version.id);
  expect(summaries.map(({ part }) => part)).toEqual(parts);
  expect(await ground.repositories.datasets.summaries(first.version.id)).toEqual(summaries.slice(0, 1));
  const blobs = summaries.flatMap(({ part, facts, keys }) => [part, facts, keys ?? '']);
  for (const sha256 of blobs) await ground.age(sha256, 10 ** 10);
  await ground.collect();
  for (const sha256 of blobs) expect((await ground.stored()).has(sha256)).toBe(true);
  const third = await ingest(rows(55, 65));
  expect(third.version.manifest.rows).toBe(65);
  expect(third.fetched.slice(0, 2)).toEqual([summaries[1]?.keys, parts[1]]);
});

test('a garbage collection profiles a head in full, once, whose profile is partly that of an earlier version', async () => {
  const profiled: number[] = [];
  const engine = {
    profile: async (...given: Parameters<typeof bench.engine.profile>) => {
      profiled.push(given[0].length);
      if (profiled.length === 1) throw new Error('the engine is out of order');
      return bench.engine.profile(...given);
    },
  };
  const many = await ingest(rows(1000, 101_000));
  const { number, manifest } = many.version;
  expect(many.version.profile?.asOf).toBeUndefined();
  const { version } = await ingest(rows(101_000, 101_010));
  expect(version.profile?.asOf).toEqual({ number, rowsChangedSince: 10 });
  const now = async () => (await ground.repositories.datasets.get(version.id)).profile;

  await ground.collect({ dryRun: true, engine });
  expect(profiled).toEqual([]);
  expect((await ground.collect({ engine })).state).toBe('succeeded');
  expect(ground.warned).toEqual([expect.stringContaining('could not be profiled in full')]);
  expect(await now()).toEqual(version.profile);

  await ground.collect({ engine });
  await ground.collect({ engine });
  expect(profiled).toEqual([manifest.parts.length + 1, manifest.parts.length + 1]);
  const full = await now();
  expect(full?.asOf).toBeUndefined();
  expect(full?.columns[0]).toMatchObject({ name: 'id', count: version.manifest.rows, distinct: version.manifest.rows });
  const later = await ingest(rows(101_010, 101_020));
  expect(later.version.profile?.asOf).toEqual({ number: version.number, rowsChangedSince: 10 });
});
