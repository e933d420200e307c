import { platformViewer } from '../../contracts/access/principal.ts';
import { asc, eq, sql } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendLedger } from '../../db/ledger/append-ledger.ts';
import { transact } from '../../db/connection/connect.ts';
import { createLedgerRepository } from '../../db/ledger/ledger-repository.ts';
import { createModelRepository } from '../../db/models/model-repository.ts';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { ledger } from '../../db/ledger/ledger-tables.ts';
import { configuration, layDatabaseGround, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

function append(reason: string, clock = ground.context.clock, modelId = ground.scope.modelId) {
  const { context, by, scope } = ground;
  return transact(context.db, (tx) =>
    appendLedger({ clock }, tx, {
      modelId,
      environment: scope.environment,
      kind: 'promotion.held',
      subject: { reason },
      reason,
      effectiveAt: context.clock.now(),
      by,
    }),
  );
}

test('fifty concurrent writers leave a sequence without gaps, and a valid chain', async () => {
  await Promise.all(Array.from({ length: 50 }, (_, i) => append(`writer ${i}`)));
  const rows = await ground.context.db
    .select({ sequence: ledger.sequence })
    .from(ledger)
    .where(eq(ledger.modelId, ground.scope.modelId))
    .orderBy(asc(ledger.sequence));
  expect(rows.map((row) => row.sequence)).toEqual(Array.from({ length: rows.length }, (_, i) => i + 1));
  expect(rows.length).toBeGreaterThanOrEqual(50);
  expect((await createLedgerRepository(ground.context).verify(ground.scope.modelId)).problem).toBeNull();
});

test('a transaction that rolls back uses no number of the sequence', async () => {
  const before = await append('before');
  await expect(
    transact(ground.context.db, async (tx) => {
      await appendLedger(ground.context, tx, {
        modelId: ground.scope.modelId,
        environment: null,
        kind: 'promotion.held',
        subject: {},
        reason: 'never',
        effectiveAt: ground.context.clock.now(),
        by: ground.by,
      });
      throw new Error('changed its mind');
    }),
  ).rejects.toThrow('changed its mind');
  expect((await append('after')).sequence).toBe(before.sequence + 1);
});

test("the ledger's time never goes back, even if a machine's clock is behind", async () => {
  const before = await append('now');
  const late = await append('from behind', { now: () => '2001-01-01T00:00:00.000Z' });
  expect(late.recordedAt >= before.recordedAt).toBe(true);
});

test('characters that Postgres cannot store are replaced, and the chain is valid', async () => {
  const entry = await append('half \ud800 and nothing \u0000');
  expect(entry.reason).toBe('half \ufffd and nothing \ufffd');
  expect((await createLedgerRepository(ground.context).verify(ground.scope.modelId)).problem).toBeNull();
});

test.each([
  'ledger',
  'configurations',
  'generations',
  'releases',
  'evaluations',
  'votes',
  'reports',
  'dataset_versions',
  'code_versions',
  'model_versions',
  'rehearsal_periods',
])('%s cannot be updated, deleted or emptied', async (table) => {
  const { db } = ground.context;
  const laws = await db.execute(
    sql`select trigger_name, event_manipulation from information_schema.triggers where event_object_table = ${table} and trigger_name = 'only_grows'`,
  );
  expect(laws.rows.map((row) => String(row.event_manipulation)).toSorted((a, b) => a.localeCompare(b))).toEqual([
    'DELETE',
    'UPDATE',
  ]);
  await expect(db.execute(sql`truncate ${sql.identifier(table)} cascade`)).rejects.toMatchObject({
    cause: { code: '23001' },
  });
});

test('nobody can change or remove an entry of the ledger', async () => {
  const { db } = ground.context;
  await expect(db.update(ledger).set({ reason: 'rewritten' })).rejects.toMatchObject({ cause: { code: '23001' } });
  await expect(db.delete(ledger)).rejects.toMatchObject({ cause: { code: '23001' } });
});

test('an entry that was altered past the triggers is found by its sequence number', async () => {
  const models = createModelRepository(ground.context);
  const { scope } = await models.apply('default', 'production', { ...configuration, name: 'altered' }, ground.by);
  await append('second', createSystemClock(), scope.modelId);
  await append('third', createSystemClock(), scope.modelId);
  await ground.context.db.transaction(async (tx) => {
    await tx.execute(sql`set local session_replication_role = replica`);
    await tx.execute(sql`update ledger set reason = 'rewritten' where model_id = ${scope.modelId} and sequence = 2`);
  });
  const { problem } = await createLedgerRepository(ground.context).verify(scope.modelId);
  expect(problem).toMatchObject({ kind: 'changed', sequence: 2 });
});

test('pages follow each other without a gap, newest first, with the names of the principals', async () => {
  const repository = createLedgerRepository(ground.context);
  const whole = await repository.list(platformViewer, { project: 'default' }, { limit: 200 });
  const collected = [];
  let cursor: string | undefined;
  do {
    const page = await repository.list(platformViewer, { project: 'default' }, { limit: 7, cursor });
    collected.push(...page.items);
    cursor = page.next;
  } while (cursor !== undefined);
  expect(collected).toEqual(whole.items);
  expect(whole.items.every((entry, i) => i === 0 || entry.recordedAt <= whole.items[i - 1]!.recordedAt)).toBe(true);
  expect(whole.items[0]!.principalName).toBe('operator');
});

test('the ledger is filtered by model, kind and time', async () => {
  const repository = createLedgerRepository(ground.context);
  const applied = await repository.list(
    platformViewer,
    { project: 'default', model: 'bike-demand', kind: 'model.applied' },
    { limit: 10 },
  );
  expect(applied.items.map((entry) => entry.sequence)).toEqual([1]);
  const { recordedAt } = applied.items[0]!;
  expect(
    (
      await repository.list(
        platformViewer,
        { project: 'default', model: 'bike-demand', until: recordedAt },
        { limit: 10 },
      )
    ).items,
  ).toEqual([]);
  expect(
    (
      await repository.list(
        platformViewer,
        { project: 'default', model: 'bike-demand', since: recordedAt },
        { limit: 200 },
      )
    ).items.at(-1)?.sequence,
  ).toBe(1);
  expect((await repository.list(platformViewer, { project: 'other' }, { limit: 10 })).items).toEqual([]);
});

test('an invalid cursor is `invalid-request`', async () => {
  const repository = createLedgerRepository(ground.context);
  await expect(
    repository.list(platformViewer, { project: 'default' }, { limit: 5, cursor: 'bm9uc2Vuc2U' }),
  ).rejects.toMatchObject({
    code: 'invalid-request',
  });
  await expect(
    repository.list(
      platformViewer,
      { project: 'default' },
      { limit: 5, cursor: Buffer.from('["a",1]').toString('base64url') },
    ),
  ).rejects.toMatchObject({ code: 'invalid-request' });
});
