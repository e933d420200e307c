import { array, assert, asyncProperty, constantFrom } from 'fast-check';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { usualGraceMs } from '../../contracts/runs/collection.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { RunRequest } from '../../contracts/runs/run.ts';
import { tablesThatKeep } from '../../db/collections/mark-reachable.ts';
import { configuration } from '../db/database-ground.ts';
import { requests } from '../support/begin-run-of.ts';
import type { GarbageGround } from '../support/garbage-ground.ts';
import { layGarbageGround } from '../support/garbage-ground.ts';
import {
  beginRun,
  seedApproval,
  seedCode,
  seedDataset,
  seedRehearsal,
  seedVersion,
} from '../support/seed-candidate.ts';

let ground: GarbageGround;
beforeAll(async () => {
  ground = await layGarbageGround(configuration);
});
afterAll(() => ground?.end());
beforeEach(() => ground.emptyStore());
// Ends unfinished runs: a run in progress keeps all blobs stored since it began, so it would keep the blobs of later
// tests.
afterEach(() =>
  sql(
    "update runs set state = 'cancelled', cancel_reason = 'over', ended_at = now(), outcome = null, failure = null where state in ('queued', 'running')",
  ),
);

async function sql(statement: string, values: readonly unknown[] = []): Promise<void> {
  const client = new Client({ connectionString: ground.databaseUrl });
  await client.connect();
  try {
    await client.query(statement, [...values]);
  } finally {
    await client.end();
  }
}

let unique = 0;
const text = (what: string): string => `${what} ${(unique += 1)}`;
const longAgo = (): string => new Date(Date.now() - 10 * usualGraceMs).toISOString();

function upload(sha256: Sha256, leaseUntil: string): Promise<void> {
  return ground.repositories.blobs.record('default', { sha256, bytes: 1, leaseUntil }, ground.by);
}

/** The ways in which a database row can refer to a blob, and two ways in which a blob is left unreferenced. */
const ways = {
  dataset: (sha256: Sha256) =>
    seedDataset(ground.repositories, ground.scope, ground.by, [{ sha256, bytes: 1, rows: 1 }]),
  code: (sha256: Sha256) => seedCode(ground.repositories, ground.scope, ground.by, sha256),
  candidate: (artifact: Sha256) =>
    seedVersion(ground.repositories, ground.scope, ground.by, { seed: (unique += 1), artifact }),
  rejected: (artifact: Sha256) =>
    seedVersion(ground.repositories, ground.scope, ground.by, { seed: (unique += 1), artifact, verdict: 'rejected' }),
  async release(artifact: Sha256) {
    const { repositories, scope, by } = ground;
    await seedApproval(
      repositories,
      scope,
      by,
      await seedVersion(repositories, scope, by, { seed: (unique += 1), artifact }),
    );
  },
  async segment(sha256: Sha256) {
    const { repositories, scope, by } = ground;
    const at = longAgo();
    const segment = { id: crypto.randomUUID(), gatewayId: by, modelId: scope.modelId, environment: scope.environment };
    await repositories.monitoring.addSegment({ ...segment, sha256, rows: 1, dropped: 0, from: at, to: at }, []);
  },
  request: (sha256: Sha256) => dataRun(sha256),
  command: (sha256: Sha256) =>
    ground.repositories.lifecycle.submit(
      ground.scope,
      { kind: 'trigger', schemaVersion: 1, trigger: 'manual', reason: '', fingerprint: sha256 },
      ground.by,
    ),
  lease: (sha256: Sha256) => upload(sha256, new Date(Date.now() + 60_000).toISOString()),
  nobody: async () => {},
  pastLease: (sha256: Sha256) => upload(sha256, longAgo()),
} as const;
type Way = keyof typeof ways;
const reaching: readonly Way[] = [
  'dataset',
  'code',
  'candidate',
  'rejected',
  'release',
  'segment',
  'request',
  'lease',
  'command',
];

async function dataRun(sha256: Sha256): Promise<string> {
  const { repositories, scope, by } = ground;
  const files = [{ name: 'a.csv', sha256, format: 'csv' as const }];
  const id = await beginRun(repositories, scope, { kind: 'data', schemaVersion: 1, files }, by);
  await repositories.runs.fail(id, { code: 'data-empty', message: 'no rows', fields: {} });
  return id;
}

/** Makes the run look as if it began this many days ago. */
function age(days: number, runId: Id): Promise<void> {
  const began = 'now() - make_interval(days => $1)';
  return sql(
    `update runs set recorded_at = ${began}, started_at = case when started_at is null then null else ${began} end where id = $2`,
    [days, runId],
  );
}

async function runSince(days: number, request: RunRequest): Promise<Id> {
  const runId = await beginRun(ground.repositories, ground.scope, request, ground.by);
  await age(days, runId);
  return runId;
}

async function deploymentSince(days: number): Promise<void> {
  const { repositories, scope, by } = ground;
  const { runId } = await seedApproval(
    repositories,
    scope,
    by,
    await seedVersion(repositories, scope, by, { seed: (unique += 1) }),
  );
  await age(days, runId);
}

async function queued(): Promise<Id> {
  const { repositories, scope, by } = ground;
  const { runId } = await repositories.lifecycle.submit(
    scope,
    { kind: 'run', schemaVersion: 1, request: requests.build },
    by,
  );
  if (runId === null) throw new Error('the command made no run');
  return runId;
}

function rehearsal(): Promise<{ readonly id: Id; readonly runId: Id }> {
  return seedRehearsal(ground.repositories, ground.scope, ground.by);
}

async function stepSince(
  hours: number,
  runId: Id,
  step: { readonly name: string; readonly attempt: number; readonly state: 'running' | 'succeeded' },
): Promise<void> {
  const isolation = { kind: 'bubblewrap', reason: null, memory: 'polling', publicNetwork: null } as const;
  await ground.repositories.runs.step(runId, { ...step, isolation });
  await sql(
    'update run_steps set started_at = now() - make_interval(hours => $1) where run_id = $2 and name = $3 and attempt = $4',
    [hours, runId, step.name, step.attempt],
  );
}

describe('collecting garbage', () => {
  test('removes every unreachable blob and never a reachable one, whichever rows refer to it', async () => {
    const graph = array(constantFrom(...(Object.keys(ways) as Way[])), { minLength: 1, maxLength: 25 });
    await assert(
      asyncProperty(graph, async (parts) => {
        await ground.emptyStore();
        const kept = new Set<Sha256>();
        const all = new Set<Sha256>();
        for (const way of parts) {
          const sha256 = await ground.put(text(way));
          all.add(sha256);
          if (reaching.includes(way)) kept.add(sha256);
          await ways[way](sha256);
        }
        const foretold = await ground.collect({ dryRun: true });
        expect(await ground.stored()).toEqual(all);
        const collection = await ground.collect();
        expect(await ground.stored()).toEqual(kept);
        expect(collection).toMatchObject({ state: 'succeeded', scanned: all.size, collected: all.size - kept.size });
        expect(foretold.collected).toBe(collection.collected);
        expect((await ground.collect()).collected).toBe(0);
      }),
      { numRuns: 12 },
    );
  }, 60_000);

  test('tables that refer to blobs keep them without a list that names the tables', () => {
    const named = ['dataset_versions', 'code_versions', 'model_versions', 'evaluations', 'releases', 'approvals'];
    expect(tablesThatKeep()).toEqual(
      expect.arrayContaining([...named, 'prediction_segments', 'reports', 'rehearsals']),
    );
    expect(tablesThatKeep()).not.toContain('ledger');
  });

  test('keeps blobs younger than a day, because bytes are stored before the row that names them', async () => {
    const [young, old] = [await ground.put(text('a'), usualGraceMs - 60_000), await ground.put(text('b'))];
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([young]));
    expect(old).not.toBe(young);
  });

  test('a run in progress loses no blob stored since it began, however long it takes', async () => {
    const sinceItBegan = await ground.put(text('a plan'), 2 * usualGraceMs);
    const before = await ground.put(text('older'), 6 * usualGraceMs);
    const { repositories, scope, by } = ground;
    const build = { kind: 'build', schemaVersion: 1, asOf: longAgo(), automated: false } as const;
    const runId = await beginRun(repositories, scope, build, by);
    await sql('update runs set recorded_at = $1 where id = $2', [new Date(Date.now() - 3 * usualGraceMs), runId]);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([sinceItBegan]));
    await repositories.runs.cancel(runId, 'over');
    await ground.collect();
    expect([...(await ground.stored())]).toEqual([]);
    expect(before).toBeDefined();
  });

  test('a build that ends during a sweep loses nothing that it stored', async () => {
    const { repositories, by } = ground;
    const runId = await runSince(30, requests.build);
    const artifact = await ground.put(text('artifact'), 20 * usualGraceMs);
    const { id } = await repositories.collections.begin({ dryRun: false, graceMs: usualGraceMs, by });
    await repositories.collections.mark(id);
    await ways.rejected(artifact);
    await repositories.runs.cancel(runId, 'over');
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([artifact]));
  });

  const waiting: readonly [string, () => Promise<unknown>][] = [
    ['deployment that bakes', () => runSince(30, requests.deploy)],
    ['deployment that waits for votes', () => deploymentSince(30)],
    ['rehearsal', async () => age(30, (await rehearsal()).runId)],
    ['run in the queue', async () => age(30, await queued())],
  ];
  test.each(waiting)('a %s for 30 days keeps no blob without a reference', async (_what, begin) => {
    await begin();
    const garbage = await ground.put(text('nobody refers to it'), 20 * usualGraceMs);
    const [part, artifact] = [
      await ground.put(text('part'), 20 * usualGraceMs),
      await ground.put(text('model'), 20 * usualGraceMs),
    ];
    await ways.dataset(part);
    await ways.candidate(artifact);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([part, artifact]));
    expect(garbage).toBeDefined();
  });

  test('a deployment keeps what its running step stored, also during the next attempt, until the step ends', async () => {
    const runId = await runSince(30, requests.deploy);
    const stored = await ground.put(text('importance'), 2 * usualGraceMs);
    const step = (attempt: number, state: 'running' | 'succeeded', hoursAgo: number) =>
      stepSince(hoursAgo, runId, { name: 'confirmEvaluation', attempt, state });
    await step(1, 'running', 72);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([stored]));
    // The worker of the step was killed, and the next attempt stores the bytes again.
    await step(2, 'running', 60);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([stored]));
    await step(2, 'succeeded', 60);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set());
  });

  test('a rehearsal keeps the file that it ingests from until it ends', async () => {
    const { id, runId } = await rehearsal();
    const rows = await ground.put(text('rows of a rehearsal'), 20 * usualGraceMs);
    await ground.repositories.rehearsals.keepRows(id, rows);
    await age(30, runId);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([rows]));
    await ground.repositories.runs.cancel(runId, 'over');
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set());
  });

  test('an upload is removed a month after the run that used it, and not earlier', async () => {
    const [past, recent] = [await ground.put(text('a')), await ground.put(text('b'))];
    const ended = await dataRun(past);
    await dataRun(recent);
    await sql("update commands set status = 'accepted'");
    await sql("update runs set ended_at = now() - interval '31 days' where id = $1", [ended]);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([recent]));
  });

  test('a blob that a run names after the marking is not removed', async () => {
    const sha256 = await ground.put(text('asked for late'));
    const { repositories, by } = ground;
    const { id } = await repositories.collections.begin({ dryRun: false, graceMs: usualGraceMs, by });
    await repositories.collections.mark(id);
    const runId = await dataRun(sha256);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([sha256]));
    expect(runId).toBeDefined();
  });

  test('a blob that is stored again during the sweep is kept, and not counted as removed', async () => {
    const sha256 = await ground.put(text('again'));
    const touched = {
      ...through(ground),
      removeUntouched: async (name: Sha256, since: string) => {
        await ground.age(name, 0);
        return ground.store.removeUntouched(name, since);
      },
    };
    const collection = await ground.collect({ store: touched });
    expect(collection).toMatchObject({ collected: 0, collectedBytes: 0 });
    expect(await ground.stored()).toEqual(new Set([sha256]));
  });

  test('an interrupted collection is continued and counts each blob once', async () => {
    await Promise.all(Array.from({ length: 10 }, () => ground.put(text('garbage'))));
    let left = 4;
    const failing = {
      ...through(ground),
      removeUntouched: async (name: Sha256, since: string) => {
        left -= 1;
        if (left < 0) throw new Error('the worker is gone');
        return ground.store.removeUntouched(name, since);
      },
    };
    await expect(ground.collect({ store: failing })).rejects.toThrow('the worker is gone');
    expect((await ground.stored()).size).toBe(6);
    // Beginning another collection returns the one in progress.
    const collection = await ground.collect();
    expect(collection).toMatchObject({ state: 'succeeded', collected: 10 });
    expect(await ground.stored()).toEqual(new Set());
    const told = await ground.repositories.collections.collected(collection.id, { limit: 200 });
    expect(told.items).toHaveLength(10);
    expect((await ground.repositories.collections.list({ limit: 1 })).items[0]?.id).toBe(collection.id);
  });

  test('a removed upload must be uploaded again before a run may name it', async () => {
    const sha256 = await ground.put(text('upload'));
    await ways.pastLease(sha256);
    await ground.collect();
    expect(await ground.repositories.blobs.has('default', sha256)).toBe(false);
  });

  test('bytes that an interrupted expiry left behind are collected', async () => {
    const { repositories, scope, by } = ground;
    const [segment, artifact] = [await ground.put(text('segment')), await ground.put(text('artifact'))];
    await ways.segment(segment);
    await ways.rejected(artifact);
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set([segment, artifact]));
    // The rows expire, but the worker that should remove the bytes dies first.
    const now = new Date().toISOString();
    const monitor = await beginRun(repositories, scope, requests.monitor, by);
    await repositories.monitoring.expireSegments(scope, now, { runId: monitor, by });
    const build = { runId: await beginRun(repositories, scope, requests.build, by), by };
    while ((await repositories.versions.expireRejected(scope, now, build)).length > 0);
    for (const runId of [monitor, build.runId]) await repositories.runs.cancel(runId, 'over');
    await ground.collect();
    expect(await ground.stored()).toEqual(new Set());
  });
});

/** Returns the store's methods as own properties, so that a test can replace one of them. */
function through({ store }: GarbageGround): GarbageGround['store'] {
  return {
    put: (sha256, bytes) => store.put(sha256, bytes),
    putFile: (path) => store.putFile(path),
    putBytes: (bytes) => store.putBytes(bytes),
    size: (sha256) => store.size(sha256),
    get: (sha256) => store.get(sha256),
    read: (sha256, limit) => store.read(sha256, limit),
    getFile: (sha256, path) => store.getFile(sha256, path),
    remove: (sha256) => store.remove(sha256),
    list: (after, limit) => store.list(after, limit),
    removeUntouched: (sha256, since) => store.removeUntouched(sha256, since),
    putNamed: (name, bytes) => store.putNamed(name, bytes),
    readNamed: (name) => store.readNamed(name),
    listNamed: (prefix, after, limit) => store.listNamed(prefix, after, limit),
    removeNamed: (name) => store.removeNamed(name),
    check: () => store.check(),
  };
}
