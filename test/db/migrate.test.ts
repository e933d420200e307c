import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { applyMigrations, drizzle, is, PgTable } from '../../db/connection/orm.ts';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../db/connection/migrate.ts';
import * as schema from '../../db/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres-of-tests.ts';

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  client = new Client({ connectionString: database.url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.drop();
});

test('twenty processes that migrate at once apply every migration once', async () => {
  await Promise.all(Array.from({ length: 20 }, () => migrate(database.url)));
  const files = (await readdir('db/migrations')).filter((file) => file.endsWith('.sql'));
  const applied = await client.query(
    'select count(*)::int as applied, count(distinct hash)::int as distinct from drizzle.__drizzle_migrations',
  );
  expect(applied.rows[0]).toEqual({ applied: files.length, distinct: files.length });
});

test('migrating again changes nothing', async () => {
  await migrate(database.url);
  await migrate(database.url);
  const tables = await client.query(
    "select count(*)::int as tables from information_schema.tables where table_schema = 'public'",
  );
  expect(tables.rows[0].tables).toBe(Object.values(schema).filter((value) => is(value, PgTable)).length);
});

test('the migrations create what the schema declares', async () => {
  const snapshots = (await readdir('db/migrations/meta')).filter((file) => file.endsWith('_snapshot.json')).toSorted();
  const newest: Parameters<typeof generateMigration>[0] = JSON.parse(
    await readFile(`db/migrations/meta/${snapshots.at(-1)}`, 'utf8'),
  );
  expect(await generateMigration(newest, generateDrizzleJson(schema, newest.id))).toEqual([]);
});

/** Applies the migrations up to and including `last`, as an older version of Perennial would have. */
async function migrateTo(older: Client, last: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    await cp('db/migrations', folder, { recursive: true });
    const path = join(folder, 'meta/_journal.json');
    const journal: { entries: { idx: number }[] } = JSON.parse(await readFile(path, 'utf8'));
    const entries = journal.entries.filter((entry) => entry.idx <= last);
    await writeFile(path, JSON.stringify({ ...journal, entries }));
    await applyMigrations(drizzle(older), { migrationsFolder: folder });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const people = `array['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000003']::uuid[]`;

/**
 * Rows of a database at migration 9 about one model: the owner created it, the operator brought it to staging, and a
 * rehearsal ran.
 */
const rowsOfOld = `
  insert into principals (id, name, kind)
    select id, name, 'service' from unnest(${people}, array['owner', 'operator', 'rehearsal']) as given (id, name);
  insert into projects (name, recorded_by) select 'default', id from principals where name = 'owner';
  insert into models (id, project, name, task, owner, recorded_by) select id, 'default', 'm', 'regression', 'o', id from principals where name = 'owner';
  insert into model_environments (model_id, environment) select id, unnest(array['production', 'staging']) from models;
  insert into ledger (model_id, sequence, kind, environment, subject, reason, digest, recorded_at, effective_at, recorded_by)
    select m.id, sequence, 'model.applied', 'staging', '{}', '', '', now(), now(), p.id
    from models m, (values (1, 'operator'), (2, 'owner')) as given (sequence, who) join principals p on p.name = who;
  insert into runs (id, model_id, environment, kind, request, because, workflow_id, state, effective_at, recorded_by)
    select p.id, m.id, 'staging', 'rehearsal', '{}', '', 'w', 'queued', now(), p.id from models m, principals p where p.name = 'operator';
  insert into run_steps (run_id, name, attempt, state, started_at) select id, 'train', 1, 'running', '2020-01-01' from runs;
  insert into leases (name, holder, lease_until) select 'train/' || id, 'known', now() from runs union all select 'train/gone', 'unknown', now();
  insert into rehearsals (id, model_id, environment, run_id, plan, metric, principal_id, recorded_by)
    select r.id, model_id, 'staging', r.id, '{}', 'rmse', p.id, r.recorded_by from runs r, principals p where p.name = 'rehearsal';
  insert into rehearsal_periods (rehearsal_id, index, body) select id, 0, '{}' from rehearsals;
  insert into gateways (id, address, started_at, lease_until) select id, 'http://g', '2020-01-02', '2020-01-03' from models;
  insert into serving_counts (gateway_id, model_id, environment, generation, release_digest, requests, errors)
    select id, id, 'staging', 1, '', 1, 0 from models;
  insert into shadow_counts select id, id, 'staging', 1, '', 1, 0, 0, 0, 0 from models;
  insert into garbage_collections (id, dry_run, state, grace_ms, recorded_at, recorded_by)
    select id, true, 'running', 1, '2020-01-04', id from principals where name = 'owner';
  insert into collected_blobs (collection_id, sha256, bytes) select id, 'x', 1 from garbage_collections;
  insert into reachable_blobs (collection_id, sha256) select id, 'y' from garbage_collections`;

test('rows without a time or a principal get those that are known from other rows', async () => {
  const old = await createTestDatabase({ empty: true });
  const rows = new Client({ connectionString: old.url });
  try {
    await rows.connect();
    await migrateTo(rows, 9);
    await rows.query(rowsOfOld);
    await migrate(old.url);
    const by = await rows.query(`
      select 'lease ' || holder as row, p.name from leases l join principals p on p.id = l.recorded_by
      union all select 'in ' || environment, p.name from model_environments m join principals p on p.id = m.recorded_by
      union all select 'period', p.name from rehearsal_periods r join principals p on p.id = r.recorded_by
      order by 1`);
    expect(by.rows).toEqual([
      { row: 'in production', name: 'owner' },
      { row: 'in staging', name: 'operator' },
      { row: 'lease known', name: 'operator' },
      { row: 'period', name: 'rehearsal' },
    ]);
    const at = await rows.query(`
      select 'step' as row, to_char(recorded_at, 'YYYY-MM-DD') as day from run_steps
      union all select 'gateway', to_char(recorded_at, 'YYYY-MM-DD') from gateways
      union all select 'served', to_char(recorded_at, 'YYYY-MM-DD') from serving_counts
      union all select 'shadow', to_char(recorded_at, 'YYYY-MM-DD') from shadow_counts
      union all select 'collected', to_char(recorded_at, 'YYYY-MM-DD') from collected_blobs
      union all select 'reachable', to_char(recorded_at, 'YYYY-MM-DD') from reachable_blobs`);
    expect(Object.fromEntries(at.rows.map(({ row, day }) => [row, day]))).toEqual({
      step: '2020-01-01',
      gateway: '2020-01-02',
      served: '2020-01-03',
      shadow: '2020-01-03',
      collected: '2020-01-04',
      reachable: '2020-01-04',
    });
    await expect(rows.query('update rehearsal_periods set index = 1')).rejects.toThrow('never changed');
  } finally {
    await rows.end();
    await old.drop();
  }
});

/**
 * Rows of a database at migration 11: a dataset, code, a version, and data runs. One run was requested by the principal
 * who uploaded its files, the other by another principal.
 */
const rowsWithDigests = `
  insert into principals (id, name, kind)
    select id, name, 'service' from unnest(${people}, array['owner', 'operator', 'rehearsal']) as given (id, name);
  insert into projects (name, recorded_by) select unnest(array['default', 'other']), id from principals where name = 'owner';
  insert into models (id, project, name, task, owner, recorded_by) select id, 'default', 'm', 'regression', 'o', id from principals where name = 'owner';
  insert into models (id, project, name, task, owner, recorded_by) select id, 'other', 'm', 'regression', 'o', id from principals where name = 'operator';
  insert into blobs (sha256, bytes, lease_until, recorded_by)
    select repeat(digit, 64), 1, now(), id from unnest(array['0', '1', '2']) digit, principals where name = 'owner';
  insert into dataset_versions (id, model_id, number, digest, manifest, expectations, rows_added, rows_skipped, run_id, recorded_by)
    select id, id, 1, repeat('f', 64), jsonb_build_object(
      'parts', jsonb_build_array(jsonb_build_object('sha256', repeat('a', 64))),
      'columns', jsonb_build_array(jsonb_build_object('name', repeat('9', 64)))), '[]', 1, 0, id, id from principals where name = 'owner';
  insert into code_versions (id, model_id, number, digest, manifest, origin, run_id, recorded_by)
    select id, id, 1, repeat('f', 64), jsonb_build_object('archive', repeat('b', 64), 'environment', jsonb_build_object('lock', repeat('c', 64))), '{}', id, id
    from principals where name = 'owner';
  insert into configurations (id, model_id, number, digest, body, recorded_by) select id, id, 1, 'x', '{}', id from principals where name = 'owner';
  insert into model_versions (id, model_id, number, format, artifact, artifact_bytes, signature, reference, training_key, training_key_parts, trained,
      dataset_version_id, code_version_id, configuration_id, script_metrics, files, run_id, recorded_by)
    select id, id, 1, 'onnx', repeat('d', 64), 1, '{}', repeat('e', 64), 'x', '{}', '{}', id, id, id, '{}',
      jsonb_build_array(jsonb_build_object('path', repeat('8', 64), 'sha256', repeat('7', 64))), id, id from principals where name = 'owner';
  insert into ledger (model_id, sequence, kind, subject, reason, digest, recorded_at, effective_at, recorded_by)
    select id, sequence, told.kind, subject, '', '', now(), now(), id from principals, (values
      (1, 'dataset.refused', jsonb_build_object('quarantine', repeat('6', 64))),
      (2, 'dataset.committed', jsonb_build_object('fetched', jsonb_build_array(jsonb_build_object('sha256', repeat('5', 64)))))
    ) as told (sequence, kind, subject) where name = 'owner';
  insert into runs (id, model_id, environment, kind, request, because, workflow_id, state, effective_at, recorded_by)
    select id, id, 'production', 'data', jsonb_build_object('files', jsonb_build_array(
      jsonb_build_object('sha256', repeat('0', 64)), jsonb_build_object('sha256', repeat('1', 64)))), '', name, 'queued', now(), id
    from principals where name in ('owner', 'operator')`;

test('old bytes belong to the projects whose rows refer to them, and not to those that only named their digest', async () => {
  const old = await createTestDatabase({ empty: true });
  const rows = new Client({ connectionString: old.url });
  try {
    await rows.connect();
    await migrateTo(rows, 11);
    await rows.query(rowsWithDigests);
    await migrate(old.url);
    const given = await rows.query(
      'select project, left(sha256, 1) as digit, length(sha256) as length from blob_possessions order by 1, 2',
    );
    // Without 2, which was uploaded but never named, and without 8 and 9, which are names that only look like digests.
    expect(given.rows).toEqual(
      ['0', '1', '5', '6', '7', 'a', 'b', 'c', 'd', 'e'].map((digit) => ({ project: 'default', digit, length: 64 })),
    );
  } finally {
    await rows.end();
    await old.drop();
  }
});

/**
 * Rows of a database at migration 20 about two rehearsals: the first is in progress and has ingested twice, the second
 * has ended.
 */
const rehearsalsOfOld = `
  insert into principals (id, name, kind)
    select id, name, 'service' from unnest(${people}, array['owner', 'operator', 'rehearsal']) as given (id, name);
  insert into projects (name, recorded_by) select 'default', id from principals where name = 'owner';
  insert into models (id, project, name, task, owner, recorded_by) select id, 'default', 'm', 'regression', 'o', id from principals where name = 'owner';
  insert into runs (id, model_id, environment, kind, request, because, workflow_id, state, effective_at, recorded_by)
    select gen_random_uuid(), m.id, environment, given.kind, request, '', environment || given.kind || n, 'queued', now(), m.id
    from models m, unnest(array['rehearsal-1', 'rehearsal-2']) as environment, (values
      ('rehearsal', 0, '{}'::jsonb),
      ('data', 1, jsonb_build_object('files', jsonb_build_array(jsonb_build_object('sha256', repeat('a', 64))))),
      ('data', 2, jsonb_build_object('files', jsonb_build_array(jsonb_build_object('sha256', repeat('a', 64)))))) as given (kind, n, request);
  insert into rehearsals (id, model_id, environment, run_id, plan, metric, principal_id, summary, recorded_by)
    select r.id, model_id, environment, r.id, '{}', 'rmse', r.recorded_by, case environment when 'rehearsal-2' then '{}'::jsonb end, r.recorded_by
    from runs r where kind = 'rehearsal'`;

test('a rehearsal in progress at the upgrade keeps the file that it ingests from', async () => {
  const old = await createTestDatabase({ empty: true });
  const rows = new Client({ connectionString: old.url });
  try {
    await rows.connect();
    await migrateTo(rows, 20);
    await rows.query(rehearsalsOfOld);
    await migrate(old.url);
    const kept = await rows.query('select environment, rows from rehearsals order by 1');
    expect(kept.rows).toEqual([
      { environment: 'rehearsal-1', rows: 'a'.repeat(64) },
      { environment: 'rehearsal-2', rows: null },
    ]);
  } finally {
    await rows.end();
    await old.drop();
  }
});

test('a missing database is `database-unavailable`', async () => {
  await expect(migrate('postgres://nobody:nothing@127.0.0.1:1/none')).rejects.toMatchObject({
    code: 'database-unavailable',
  });
});
