import { createHash, createPublicKey, verify } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createLedgerProof } from '../../adapters/ledger-proof/ledger-proof.ts';
import { canonicalJson } from '../../contracts/canonical.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { LedgerVerdict } from '../../contracts/ledger/ledger-head.ts';
import { ledgerDigest } from '../../contracts/ledger/ledger-chain.ts';
import { cli } from '../cli/run-cli.ts';
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';
import { tamper } from '../support/tamper.ts';

// The attacker can write anything into the database, past its triggers, but not into the object store.

const entries = 12;
let api: TestApi;
let scope: Scope;

beforeEach(async () => {
  api = await startTestApi();
  scope = await modelWithLedger('bike');
});
afterEach(() => api.stop());

/** Creates a model with twelve ledger entries: one from applying it and eleven from setting a schedule. */
async function modelWithLedger(name: string): Promise<Scope> {
  const by = api.principals.operator;
  const { repositories } = api;
  const made = await repositories.models.apply(
    'default',
    'production',
    Configuration.parse({ ...bikeInput, name }),
    by,
  );
  for (let minute = 1; minute < entries; minute += 1) await setSchedule(made.scope, minute);
  return made.scope;
}

function setSchedule(where: Scope, minute: number): Promise<unknown> {
  const schedule = { cron: `${minute} 3 * * *`, timezone: 'UTC', paused: false, overlap: 'skip' as const };
  return api.repositories.schedules.put(where, 'nightly', schedule, api.principals.operator);
}

const sign = (where = scope) => api.ledgerProof.sign({ ...where }, api.principals.operator);

async function verified(name = 'bike'): Promise<LedgerVerdict> {
  const { status, body } = await api.send('viewer', `GET /v1/ledger/verify?model=${name}`);
  expect(status).toBe(200);
  return body.items[0];
}

interface Row {
  readonly model_id: string;
  readonly sequence: string;
  readonly kind: string;
  readonly environment: string | null;
  readonly subject: Record<string, unknown>;
  readonly reason: string;
  readonly digest: string;
  readonly previous: string | null;
  readonly recorded_at: Date;
  readonly effective_at: Date;
  readonly recorded_by: string;
}

async function readChain(where = scope): Promise<readonly Row[]> {
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  const text = 'select * from ledger where model_id = $1 order by sequence';
  const { rows } = await client.query<Row>(text, [where.modelId]);
  await client.end();
  return rows;
}

function digestOf(row: Row, previous: string | null): string {
  return ledgerDigest({
    modelId: row.model_id,
    sequence: Number(row.sequence),
    kind: row.kind,
    environment: row.environment,
    subject: row.subject,
    reason: row.reason,
    previous,
    recordedAt: row.recorded_at.toISOString(),
    effectiveAt: row.effective_at.toISOString(),
    recordedBy: row.recorded_by,
  });
}

/** Recomputes the digests from this entry on, as an attacker who knows this code would. */
async function recompute(from: number, to = Number.POSITIVE_INFINITY): Promise<void> {
  let previous: string | null = null;
  for (const row of await readChain()) {
    const sequence = Number(row.sequence);
    if (sequence < from || sequence > to) {
      previous = row.digest;
      continue;
    }
    const digest = digestOf(row, previous);
    const text = 'update ledger set previous = $2, digest = $3 where model_id = $1 and sequence = $4';
    await change(text, [previous, digest, sequence]);
    previous = digest;
  }
}

function change(text: string, values: readonly unknown[] = []): Promise<void> {
  return tamper(api.database, text, [scope.modelId, ...values]);
}

const rewriteReason = "update ledger set reason = 'never happened' where model_id = $1 and sequence = 5";
const insertCopyOf = (sequence: number) =>
  `insert into ledger select model_id, ${sequence}, kind, environment, subject, 'put in', digest, previous, recorded_at, effective_at, recorded_by from ledger where model_id = $1 and sequence = 4`;

test('an unchanged chain is verified, before and after it was signed', async () => {
  expect(await verified()).toMatchObject({ verified: true, entries, signed: null, problem: null });
  expect(await sign()).toEqual({ state: 'signed' });
  expect(await sign()).toEqual({ state: 'unchanged' });
  expect(await verified()).toMatchObject({ verified: true, signed: { sequence: entries, copies: 1 } });
  await setSchedule(scope, 40);
  expect(await verified()).toMatchObject({ verified: true, entries: entries + 1, signed: { sequence: entries } });
  expect(await sign()).toEqual({ state: 'signed' });
  expect(await verified()).toMatchObject({ verified: true, signed: { sequence: entries + 1, copies: 2 } });
});

test('a changed entry is named', async () => {
  const [, , , , fifth] = await readChain();
  await change(rewriteReason);
  expect(await verified()).toMatchObject({
    verified: false,
    entries: 4,
    problem: { kind: 'changed', sequence: 5, recordedAt: fifth!.recorded_at.toISOString() },
  });
});

test.each([
  ['its kind', "kind = 'nothing.known'"],
  ['its environment', "environment = 'staging'"],
  ['its subject', `subject = '{"schemaVersion": 1}'`],
  ['its principal', 'recorded_by = gen_random_uuid()'],
  ['its time', "recorded_at = recorded_at - interval '1 ms'"],
  ['its time, to infinity', "effective_at = 'infinity'"],
  ['its reference to the previous entry', 'previous = null'],
])('an entry is named after a change of %s', async (_what, set) => {
  await change(`update ledger set ${set} where model_id = $1 and sequence = 5`);
  expect((await verified()).problem).toMatchObject({ kind: 'changed', sequence: 5 });
});

test('a changed entry with a recomputed digest is named', async () => {
  await change(rewriteReason);
  await recompute(5, 5);
  const { problem } = await verified();
  expect(problem).toMatchObject({ kind: 'changed', sequence: 5 });
  expect(problem?.what).toContain('entry 6 refers to another entry');
});

test('a changed entry after a signed one is named, not the signed one', async () => {
  await sign();
  await setSchedule(scope, 40);
  await setSchedule(scope, 41);
  await change(`update ledger set previous = $2 where model_id = $1 and sequence = ${entries + 1}`, ['0'.repeat(64)]);
  await tamper(api.database, `update ledger set digest = $2 where model_id = $1 and sequence = ${entries + 1}`, [
    scope.modelId,
    await digestOfEntry(entries + 1),
  ]);
  expect((await verified()).problem).toMatchObject({ kind: 'changed', sequence: entries + 1 });
});

async function digestOfEntry(sequence: number): Promise<string> {
  const row = (await readChain())[sequence - 1]!;
  return digestOf(row, row.previous);
}

test('an entry removed from the middle is named', async () => {
  await change('delete from ledger where model_id = $1 and sequence = 5');
  expect((await verified()).problem).toMatchObject({ kind: 'removed', sequence: 5 });
});

test('removed entries are named even if the later ones are renumbered', async () => {
  await change('delete from ledger where model_id = $1 and sequence in (5, 6)');
  for (let to = 5; to <= entries - 2; to += 1)
    await change('update ledger set sequence = $2 where model_id = $1 and sequence = $3', [to, to + 2]);
  const { problem } = await verified();
  expect(problem).toMatchObject({ kind: 'removed', sequence: 5 });
  expect(problem?.what).toContain('entries 5 to 6 were removed');
});

test('an inserted entry is named even if the later ones are renumbered', async () => {
  for (let from = entries; from >= 5; from -= 1)
    await change('update ledger set sequence = $2 where model_id = $1 and sequence = $3', [from + 1, from]);
  await change(insertCopyOf(5));
  await recompute(5, 5);
  const { problem } = await verified();
  expect(problem).toMatchObject({ kind: 'added', sequence: 5 });
  expect(problem?.what).toContain('entry 5 was added');
});

test('an entry before the first is named', async () => {
  await change(insertCopyOf(0));
  expect((await verified()).problem).toMatchObject({ kind: 'added', sequence: 0 });
});

test('a truncated tail is found by the signed copy', async () => {
  await sign();
  await change('delete from ledger where model_id = $1 and sequence > 9');
  expect((await verified()).problem).toMatchObject({ kind: 'cut-off', sequence: 10 });
});

test('a removed chain is found by the signed copy', async () => {
  await sign();
  await change('delete from ledger where model_id = $1');
  expect(await verified()).toMatchObject({ verified: false, problem: { kind: 'cut-off', sequence: 1 } });
});

test('a rewritten chain with recomputed digests is found by the signed copy', async () => {
  await change('select $1::text');
  await sign();
  await setSchedule(scope, 40);
  await change(rewriteReason);
  await recompute(5);
  const { problem } = await verified();
  expect(problem).toMatchObject({ kind: 'rewritten', sequence: 1 });
  expect(problem?.what).toContain(`entry ${entries} is not the one that was signed`);
});

test('the copies before and after bound the place where a chain was rewritten', async () => {
  await change(`delete from ledger where model_id = $1 and sequence > 3`);
  await sign();
  for (let minute = 20; minute < 30; minute += 1) await setSchedule(scope, minute);
  await sign();
  await change(rewriteReason);
  await recompute(5);
  expect((await verified()).problem).toMatchObject({ kind: 'rewritten', sequence: 4 });
});

test('a rewritten or truncated chain is not signed again, so that its copies still prove the change', async () => {
  await sign();
  await change(rewriteReason);
  await recompute(5);
  expect(await sign()).toMatchObject({ state: 'refused', problem: { kind: 'rewritten' } });
  await change('delete from ledger where model_id = $1 and sequence > 9');
  expect(await sign()).toMatchObject({ state: 'refused', problem: { kind: 'cut-off' } });
  await setSchedule(scope, 50);
  await setSchedule(scope, 51);
  await setSchedule(scope, 52);
  expect(await sign()).toMatchObject({ state: 'refused', problem: { kind: 'rewritten' } });
});

test('the chain of another model in place of this one is found, even with recomputed digests', async () => {
  const other = await modelWithLedger('other');
  await sign();
  await sign(other);
  const aside = '00000000-0000-7000-8000-000000000000';
  for (const [from, to] of [
    [scope.modelId, aside],
    [other.modelId, scope.modelId],
    [aside, other.modelId],
  ])
    await tamper(api.database, 'update ledger set model_id = $2 where model_id = $1', [from, to]);
  expect((await verified()).problem).toMatchObject({ kind: 'changed', sequence: 1 });
  expect((await verified('other')).problem).toMatchObject({ kind: 'changed', sequence: 1 });
  await recompute(1);
  expect((await verified()).problem).toMatchObject({ kind: 'rewritten', sequence: 1 });
});

test('a model that was removed with its whole chain is reported by its signed copy', async () => {
  await sign();
  await change('delete from ledger where model_id = $1');
  await change('delete from models where id = $1');
  const { body } = await api.send('viewer', 'GET /v1/ledger/verify');
  expect(body.items).toMatchObject([{ model: 'bike', verified: false, problem: { kind: 'model-removed' } }]);
});

function copiesFolder(): string {
  return join(api.folder, 'objects', 'named', 'ledger-heads', scope.modelId);
}

test('a signed copy that was removed from the object store is reported', async () => {
  await sign();
  await rm(copiesFolder(), { recursive: true });
  expect((await verified()).problem).toMatchObject({ kind: 'copy-missing', sequence: entries });
});

test('a forged copy is found by its signature, and does not confirm a rewritten chain', async () => {
  await sign();
  const file = join(copiesFolder(), (await readdir(copiesFolder()))[0]!);
  const copy = JSON.parse(await readFile(file, 'utf8'));
  await change(rewriteReason);
  await recompute(5);
  const digest = (await readChain()).at(-1)!.digest;
  await writeFile(file, JSON.stringify({ ...copy, digest }));
  expect((await verified()).problem).toMatchObject({ kind: 'copy-forged', sequence: entries });
  const forger = createLedgerProof({
    ledger: api.repositories.ledger,
    objectStore: api.objectStore,
    clock: createSystemClock(),
    secret: 'another secret, of whoever rewrote the chain',
  });
  await rm(file);
  await forger.sign({ ...scope }, api.principals.operator);
  expect((await verified()).problem?.what).toContain('unless PERENNIAL_SECRET was changed, the copy is forged');
});

test('an auditor checks a copy with the published key alone', async () => {
  await sign();
  const { body: key } = await api.send('viewer', 'GET /v1/ledger/key');
  const [name] = await readdir(copiesFolder());
  const { signature, keyId, ...head } = JSON.parse(await readFile(join(copiesFolder(), name!), 'utf8'));
  const publicKey = createPublicKey(key.publicKey);
  const der = publicKey.export({ format: 'der', type: 'spki' });
  expect(keyId).toBe(createHash('sha256').update(der).digest('hex').slice(0, 16));
  const genuine = (signed: object) =>
    verify(null, Buffer.from(canonicalJson(signed)), publicKey, Buffer.from(signature, 'base64'));
  expect(genuine(head)).toBe(true);
  expect(genuine({ ...head, sequence: head.sequence + 1 })).toBe(false);
});

test('`served` says whether the ledger verifies up to the requested instant', async () => {
  const served = async (at?: string) => {
    const query = at === undefined ? '' : `?at=${at}`;
    return (await api.send('viewer', `GET /v1/models/bike/served${query}`)).body.proof;
  };
  const [, , third] = await readChain();
  const early = third!.recorded_at.toISOString();
  expect(await served()).toMatchObject({ verified: true, head: { sequence: entries }, signedAt: null });
  await sign();
  expect(await served()).toMatchObject({ verified: true, signedAt: expect.any(String) });
  await change(rewriteReason);
  expect(await served()).toEqual({ verified: false, reason: expect.stringContaining('entry 5 was changed') });
  expect(await served(early)).toMatchObject({ verified: true, head: { sequence: 3 } });
  await recompute(5);
  expect(await served(early)).toEqual({ verified: false, reason: expect.stringContaining('rewritten') });
});

test('the command line names the changed entry, and exits with 1', async () => {
  const url = await api.api.listen({ host: '127.0.0.1', port: 0 });
  const asked = (...more: string[]) => cli(['ledger', 'verify', '--url', url, '--key', api.keys.viewer, ...more]);
  expect(await asked()).toMatchObject({ code: 0, stdout: expect.stringContaining('bike   verified') });
  await change(rewriteReason);
  const { code, stdout, stderr } = await asked('--model', 'bike');
  expect(code).toBe(1);
  expect(stdout).toMatch(/bike, entry 5, recorded at \S+Z: entry 5 was changed/);
  expect(stderr).toContain('1 of 1 chain not verified: bike');
  const { items } = JSON.parse((await asked('--json')).stdout);
  expect(items).toMatchObject([{ model: 'bike', verified: false, problem: { kind: 'changed', sequence: 5 } }]);
});

test('a viewer of one model can verify that model, and no other', async () => {
  const { key } = await api.addKey('of-bike', [{ role: 'viewer', project: 'default', model: 'bike' }]);
  expect((await api.send({ key }, 'GET /v1/ledger/verify?model=bike')).status).toBe(200);
  expect((await api.send({ key }, 'GET /v1/ledger/verify')).status).toBe(403);
  expect((await api.send({ key }, 'GET /v1/ledger/verify?model=other')).status).toBe(403);
  expect((await api.send('viewer', 'GET /v1/ledger/verify?model=absent')).status).toBe(404);
});

test('a hundred thousand entries are verified in seconds', async () => {
  const rows = await readChain();
  const last = rows.at(-1)!;
  const client = new Client({ connectionString: api.database.url });
  await client.connect();
  let previous = last.digest;
  for (let sequence = entries + 1; sequence <= 100_000; sequence += 5_000) {
    const values: unknown[][] = [];
    for (let at = sequence; at < Math.min(sequence + 5_000, 100_001); at += 1) {
      const recordedAt = last.recorded_at.toISOString();
      const entry = { modelId: scope.modelId, sequence: at, kind: 'schedule.set', environment: 'production' };
      const more = { subject: { schemaVersion: 1, at }, reason: 'one of many', recordedAt, effectiveAt: recordedAt };
      const digest = ledgerDigest({ ...entry, ...more, previous, recordedBy: api.principals.operator });
      values.push([at, JSON.stringify(more.subject), digest, previous]);
      previous = digest;
    }
    const columns = [0, 1, 2, 3].map((column) => values.map((value) => value[column]));
    await client.query(
      `insert into ledger select $1, s, 'schedule.set', 'production', j::jsonb, 'one of many', d, p, $2, $2, $3
       from unnest($4::bigint[], $5::text[], $6::text[], $7::text[]) as t(s, j, d, p)`,
      [scope.modelId, last.recorded_at, api.principals.operator, ...columns],
    );
  }
  await client.end();
  const begun = performance.now();
  expect(await verified()).toMatchObject({ verified: true, entries: 100_000 });
  expect(performance.now() - begun).toBeLessThan(20_000);
}, 120_000);
