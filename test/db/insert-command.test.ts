import { eq } from '../../db/connection/orm.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Command, CommandBody, Idempotency } from '../../contracts/runs/command.ts';
import { transact } from '../../db/connection/connect.ts';
import { insertCommand } from '../../db/lifecycle/insert-command.ts';
import { createPrincipalRepository } from '../../db/principals/principal-repository.ts';
import { createRunRepository } from '../../db/runs/run-repository.ts';
import { commands } from '../../db/lifecycle/lifecycle-tables.ts';
import { runs } from '../../db/runs/run-tables.ts';
import { digestOf, layDatabaseGround, type DatabaseGround } from './database-ground.ts';

let ground: DatabaseGround;

beforeAll(async () => {
  ground = await layDatabaseGround();
});

afterAll(() => ground?.end());

const trigger: CommandBody = { kind: 'trigger', schemaVersion: 1, trigger: 'manual', reason: 'why', fingerprint: 'f' };

function build(asOf = '2012-01-01T00:00:00.000Z'): CommandBody {
  return { kind: 'run', schemaVersion: 1, request: { kind: 'build', schemaVersion: 1, asOf, automated: false } };
}

function give(body: CommandBody, idempotency?: Idempotency, by = ground.by): Promise<Command> {
  const { context, scope } = ground;
  return transact(context.db, (tx) => insertCommand(context, tx, scope, body, by, idempotency));
}

test('a run command creates its queued run, and other commands create none', async () => {
  const { context, scope, by } = ground;
  const command = await give(build());
  expect(command).toMatchObject({ scope, body: build(), status: 'pending', refusal: null, recordedBy: by });
  expect(await createRunRepository(context).get(command.runId!)).toMatchObject({
    state: 'queued',
    because: 'manual',
    request: { kind: 'build' },
    recordedBy: by,
  });
  expect(await give(trigger)).toMatchObject({ runId: null, body: trigger, status: 'pending' });
});

test('commands without a key are always separate', async () => {
  expect((await give(trigger)).id).not.toBe((await give(trigger)).id);
});

test('ten concurrent uses of a key give one command with one run', async () => {
  const { db } = ground.context;
  const key = { key: 'at once', route: 'POST /builds' };
  const before = await db.$count(runs);
  const answers = await Promise.all(Array.from({ length: 10 }, () => give(build(), key)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(await db.$count(runs)).toBe(before + 1);
  expect(await db.$count(commands, eq(commands.idempotencyKey, 'at once'))).toBe(1);
});

test('a key with another body is a conflict that names the key, and writes nothing', async () => {
  const { db } = ground.context;
  const key = { key: 'bodies', route: 'POST /builds' };
  await give(build(), key);
  const before = await db.$count(runs);
  await expect(give(build('2013-01-01T00:00:00.000Z'), key)).rejects.toMatchObject({
    code: 'idempotency-conflict',
    fields: { key: 'bodies' },
  });
  expect(await db.$count(runs)).toBe(before);
});

test('requests with a given digest are compared by it, whatever their defaults became', async () => {
  const key = { key: 'digests', route: 'POST /builds', requestDigest: digestOf('as sent') };
  const first = await give(build(), key);
  expect(await give(build('2013-01-01T00:00:00.000Z'), key)).toEqual(first);
  await expect(give(build(), { ...key, requestDigest: digestOf('another') })).rejects.toMatchObject({
    code: 'idempotency-conflict',
  });
});

test('a key belongs to one principal and one route', async () => {
  const key = { key: 'shared', route: 'POST /builds' };
  const other = await createPrincipalRepository(ground.context).ensure('other', 'person', [], null);
  const mine = await give(build(), key);
  expect((await give(trigger, { ...key, route: 'POST /triggers' })).id).not.toBe(mine.id);
  expect((await give(build('2013-01-01T00:00:00.000Z'), key, other.id)).id).not.toBe(mine.id);
  expect(await give(build(), key)).toEqual(mine);
});

test('characters that Postgres cannot store do not make a command fail', async () => {
  const command = await give({ ...trigger, reason: 'nul \u0000 half \ud800' });
  expect(command.body).toMatchObject({ reason: 'nul \ufffd half \ufffd' });
});

test('a command for an unknown environment is refused', async () => {
  const { context, scope, by } = ground;
  const elsewhere = { ...scope, environment: 'elsewhere' };
  await expect(transact(context.db, (tx) => insertCommand(context, tx, elsewhere, build(), by))).rejects.toMatchObject({
    code: 'not-found',
  });
});
