import { platformViewer } from '../../contracts/access/principal.ts';
import { and, eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { createCodeRepository } from '../../db/code/code-repository.ts';
import { createDatasetRepository } from '../../db/datasets/dataset-repository.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { triggers } from '../../db/lifecycle/lifecycle-tables.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { configuration, digestOf, layDatabaseGround, manifestOf, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;
let scope: Scope;
let models = 0;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

beforeEach(async () => {
  models += 1;
  ({ scope } = await createModelRepository(ground.context).apply(
    'default',
    'production',
    { ...configuration, name: `model-${models}` },
    ground.by,
  ));
});

afterAll(() => ground?.end());

const profile = { schemaVersion: 1 as const, columns: [] };

function dataset(...parts: readonly string[]) {
  return {
    digest: digestOf(`dataset ${parts.join()}`),
    manifest: manifestOf(...parts),
    profile,
    expectations: [],
    rowsAdded: 1,
    rowsSkipped: 0,
  };
}

async function run(expectedHead: string | null = null, where = scope) {
  return { runId: await beginRunOf('data', { ...ground, scope: where }), expectedHead, by: ground.by };
}

async function codeRun() {
  return { runId: await beginRunOf('code', { ...ground, scope }), by: ground.by };
}

async function triggersOf(kind: 'new-data' | 'new-code') {
  return ground.context.db
    .select()
    .from(triggers)
    .where(and(eq(triggers.modelId, scope.modelId), eq(triggers.kind, kind)));
}

test('twenty concurrent commits of the same rows make one version and one trigger, and one of them reports a new version', async () => {
  const datasets = createDatasetRepository(ground.context);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () => datasets.commit(scope, dataset('a'), await run())),
  );
  expect(new Set(answers.map((answer) => answer.version.id)).size).toBe(1);
  expect(answers.filter((answer) => !answer.unchanged)).toHaveLength(1);
  expect(await triggersOf('new-data')).toHaveLength(1);
  expect((await datasets.list(scope.modelId, { limit: 50 })).items.map((version) => version.number)).toEqual([1]);
});

test('a version keeps the warnings of its batch, even text that Postgres cannot store', async () => {
  const datasets = createDatasetRepository(ground.context);
  const warning = {
    level: 'warning',
    kind: 'missing-word',
    column: 'a\u0000b',
    count: 2,
    example: 'NA',
    message: 'column "a" has "NA"',
  } as const;
  const { version } = await datasets.commit(scope, { ...dataset('w'), warnings: [warning] }, await run());
  expect(version.warnings).toEqual([{ ...warning, column: 'a\uFFFDb' }]);
  expect((await datasets.byNumber(scope.modelId, version.number)).warnings).toEqual(version.warnings);
  const next = await datasets.commit(scope, dataset('w', 'x'), await run(version.id));
  expect(next.version.warnings).toEqual([]);
});

test('of twenty batches prepared on the same head one is committed, and the others fail because the head moved', async () => {
  const datasets = createDatasetRepository(ground.context);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async (_, i) => datasets.commit(scope, dataset(`batch ${i}`), await run())),
  );
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(
    refused.every((outcome) => outcome.reason.code === 'conflict' && outcome.reason.message.includes('dataset 1 now')),
  ).toBe(true);
});

test('concurrent versions of one model in many environments are numbered without gaps', async () => {
  const datasets = createDatasetRepository(ground.context);
  const scopes = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      createModelRepository(ground.context).apply(
        'default',
        `env-${i}`,
        { ...configuration, name: scope.model },
        ground.by,
      ),
    ),
  );
  await Promise.all(
    scopes.map(async (applied, i) =>
      datasets.commit(applied.scope, dataset(`of ${i}`), await run(null, applied.scope)),
    ),
  );
  const { items } = await datasets.list(scope.modelId, { limit: 50 });
  expect(items.map((version) => version.number)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
  expect(items.every((version) => version.profile === null)).toBe(true);
  expect((await datasets.byNumber(scope.modelId, 3)).profile).toEqual(profile);
  expect((await createLedgerRepository(ground.context).verify(scope.modelId)).problem).toBeNull();
});

test('a repeated commit returns the same result, even if the head has moved since', async () => {
  const datasets = createDatasetRepository(ground.context);
  const first = await run();
  const answer = await datasets.commit(scope, dataset('a'), first);
  expect(await datasets.commit(scope, dataset('a'), first)).toEqual(answer);
  const second = await datasets.commit(scope, dataset('a', 'b'), await run(answer.version.id));
  expect(await datasets.commit(scope, dataset('a'), first)).toEqual(answer);
  expect((await datasets.head(scope))?.id).toBe(second.version.id);
  expect(await triggersOf('new-data')).toHaveLength(2);
});

test('a batch of known rows changes nothing and triggers nothing', async () => {
  const datasets = createDatasetRepository(ground.context);
  const { version } = await datasets.commit(scope, dataset('a'), await run());
  const again = await datasets.commit(scope, { ...dataset('a'), rowsAdded: 0, rowsSkipped: 1 }, await run(version.id));
  expect(again).toEqual({ version, unchanged: true });
  expect(await triggersOf('new-data')).toHaveLength(1);
});

test('rows older than the window of a build now are stored, but trigger no build', async () => {
  const datasets = createDatasetRepository(ground.context);
  const timed = { ...configuration.data, timestamp: 'at', window: '6 months' };
  await createModelRepository(ground.context).apply(
    'default',
    'production',
    { ...configuration, name: scope.model, data: timed },
    ground.by,
  );
  const reaching = (to: string) => {
    const batch = dataset(to);
    return { ...batch, manifest: { ...batch.manifest, parts: batch.manifest.parts.map((part) => ({ ...part, to })) } };
  };
  const now = ground.context.clock.now();
  const old = await datasets.commit(scope, reaching(shiftInstant(now, '7 months', -1, 'UTC')), await run());
  expect(await triggersOf('new-data')).toEqual([]);
  const { items } = await createLedgerRepository(ground.context).list(platformViewer, scope, { limit: 1 });
  expect(items[0]?.reason).toContain('no build is triggered');
  await datasets.commit(scope, reaching(shiftInstant(now, '5 months', -1, 'UTC')), await run(old.version.id));
  expect(await triggersOf('new-data')).toHaveLength(1);
});

test('a refusal is recorded in the ledger once, with the broken expectations and the place of the rows', async () => {
  const datasets = createDatasetRepository(ground.context);
  const refused = { runId: await beginRunOf('data', { ...ground, scope }), by: ground.by };
  const expectations = [
    {
      column: 'hr',
      check: 'max' as const,
      severity: 'error' as const,
      violations: 2,
      examples: [{ row: 1, value: 25 }],
    },
  ];
  const quarantine = digestOf('quarantine');
  await datasets.refuse(scope, { expectations, quarantine, rows: 2 }, refused);
  await datasets.refuse(scope, { expectations, quarantine, rows: 2 }, refused);
  const { items } = await createLedgerRepository(ground.context).list(
    platformViewer,
    { project: 'default', model: scope.model, kind: 'dataset.refused' },
    { limit: 10 },
  );
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({
    reason: 'hr max: 2 rows',
    subject: { schemaVersion: 1, runId: refused.runId, quarantine, rows: 2, expectations },
  });
  expect(await datasets.head(scope)).toBeUndefined();
});

const manifest = {
  schemaVersion: 1 as const,
  archive: digestOf('archive'),
  command: ['python', 'train.py'],
  environment: null,
  network: false,
  validation: false,
};
const origin = { kind: 'folder' as const, files: 1, bytes: 10 };

test('twenty concurrent snapshots of the same code make one version and one trigger', async () => {
  const code = createCodeRepository(ground.context);
  const answers = await Promise.all(
    Array.from({ length: 20 }, async () =>
      code.commit(scope, { digest: digestOf('code'), manifest, origin }, await codeRun()),
    ),
  );
  expect(new Set(answers.map((answer) => answer.version.id)).size).toBe(1);
  expect(answers.filter((answer) => !answer.unchanged)).toHaveLength(1);
  expect(await triggersOf('new-code')).toHaveLength(1);
});

test('a return to earlier code reuses its version and counts as new code', async () => {
  const code = createCodeRepository(ground.context);
  const one = await code.commit(scope, { digest: digestOf('one'), manifest, origin }, await codeRun());
  await code.commit(scope, { digest: digestOf('two'), manifest, origin }, await codeRun());
  const back = await codeRun();
  const again = await code.commit(scope, { digest: digestOf('one'), manifest, origin }, back);
  expect(again).toEqual({ version: one.version, unchanged: false });
  expect(await code.commit(scope, { digest: digestOf('one'), manifest, origin }, back)).toEqual(again);
  expect((await code.head(scope))?.number).toBe(1);
  expect(await triggersOf('new-code')).toHaveLength(3);
});

test('an unknown version is `not-found`, by id and by number', async () => {
  await expect(createDatasetRepository(ground.context).get(ground.context.ids.next())).rejects.toMatchObject({
    code: 'not-found',
  });
  await expect(createCodeRepository(ground.context).byNumber(scope.modelId, 9)).rejects.toMatchObject({
    code: 'not-found',
  });
});

test('a version names the summaries of its parts, and none if it was committed without them', async () => {
  const datasets = createDatasetRepository(ground.context);
  const summaries = [{ part: digestOf('a'), facts: digestOf('facts of a'), keys: null }];
  const first = await datasets.commit(scope, { ...dataset('a'), summaries }, await run());
  expect(await datasets.summaries(first.version.id)).toEqual(summaries);
  expect(first.version).not.toHaveProperty('summaries');
  const second = await datasets.commit(scope, dataset('a', 'b'), await run(first.version.id));
  expect(await datasets.summaries(second.version.id)).toEqual([]);
  expect(await datasets.head(scope)).not.toHaveProperty('summaries');
});
