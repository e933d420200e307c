import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteAccess } from '../../api/access/access-table.ts';
import { accessTable } from '../../api/access/access-table.ts';
import type { Grant, Role, Target } from '../../contracts/access/principal.ts';
import { includesRole } from '../../contracts/access/principal.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, bikeInput, startTestApi } from '../support/api.ts';
import { beginRun, seedApproval, seedVersion } from '../support/seed-candidate.ts';

// Calls every route with every kind of grant and compares the response with the access table beside the routes.
let api: TestApi;
let routes: readonly string[];
const ids = { run: '', approval: '', rehearsal: '' };
const someId = '01a20a2c-88ef-70e6-9289-55045a8cb7d8';
const someDigest = 'a'.repeat(64);

beforeAll(async () => {
  api = await startTestApi();
  const scope = await applyBike(api);
  await applyBike(api, 'staging');
  const { operator: by } = api.principals;
  const { repositories } = api;
  const seeded = await seedVersion(repositories, scope, by, { seed: 1 });
  const { approval } = await seedApproval(repositories, scope, by, seeded);
  const monitor = { kind: 'monitor', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z' } as const;
  const { datasetVersionId, codeVersionId, configurationId } = seeded.version;
  const { rehearsal } = await repositories.rehearsals.create(
    scope,
    {
      schemaVersion: 1,
      from: '2011-07-01T00:00:00.000Z',
      to: '2011-08-01T00:00:00.000Z',
      every: 'month',
      datasetVersionId,
      codeVersionId,
      configurationId,
      sourceEnvironment: 'production',
    },
    'rmse',
    by,
  );
  Object.assign(ids, {
    run: await beginRun(repositories, scope, monitor, by),
    approval: approval.id,
    rehearsal: rehearsal.id,
  });
  const { paths } = (await api.send('viewer', 'GET /openapi.json')).body;
  routes = Object.keys(paths).flatMap((path) =>
    Object.keys(paths[path]).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
});
afterAll(() => api.stop());

function accessTo(route: string): RouteAccess {
  const access = accessTable[route];
  if (access === undefined) throw new Error(`${route} is not in api/access/access-table.ts`);
  return access;
}

/** Fills in a route's parameters with things in project `default` and environment `production`. */
function pathOf(route: string): string {
  const { run, approval, rehearsal } = ids;
  const access = accessTable[route];
  const on = access !== undefined && 'on' in access ? access.on : '';
  const id = on === 'run' ? run : on === 'approval' ? approval : on === 'rehearsal' ? rehearsal : someId;
  const values: Readonly<Record<string, string>> = {
    id,
    model: 'bike',
    key: someId,
    sha256: sha256OfBytes('x'),
    version: '1',
    other: '2',
    build: '1',
    name: 'nightly',
    environment: 'production',
  };
  return route.replaceAll(/:(\w+)/g, (_whole, name: string) => values[name] ?? `no-${name}`);
}

/** Well-formed bodies, so that only the role decides. */
const bodies: Readonly<Record<string, unknown>> = {
  'PUT /v1/models/:model': bikeInput,
  'PUT /v1/blobs/:sha256': 'x',
  'POST /v1/models/:model/datasets': { files: [{ name: 'a.csv', sha256: someDigest, format: 'csv' }] },
  'POST /v1/models/:model/code': { archive: someDigest },
  'POST /v1/models/:model/deployments': { version: 1 },
  'POST /v1/models/:model/rollback': { reason: 'x' },
  'POST /v1/models/:model/resume': { reason: 'x' },
  'POST /v1/models/:model/labels': [{ id: 'a', value: 1 }],
  'POST /v1/models/:model/triggers': { kind: 'manual' },
  'POST /v1/models/:model/rehearsals': { from: '2011-07', to: '2011-08', every: 'month' },
  'PUT /v1/models/:model/schedules/:name': { cron: '0 3 * * *' },
  'PUT /v1/environments/:environment': { minimumPolicy: null },
  'PUT /v1/connections/:name': {
    kind: 'webhook',
    url: 'https://example.org/hook',
    secret: `whsec_${Buffer.alloc(32).toString('base64')}`,
  },
  'POST /v1/principals': { name: 'somebody', kind: 'person', grants: [] },
  'POST /v1/approvals/:id/votes': { decision: 'approve', digest: someDigest },
};

function ask(who: { readonly key: string } | null, route: string) {
  const body = bodies[route];
  const type = typeof body === 'string' ? { 'content-type': 'application/octet-stream' } : undefined;
  return api.send(who, pathOf(route), body, type);
}

/** Returns the scopes that the route acts on in these tests. A grant must cover one of them. */
function targetsOf(access: RouteAccess & { readonly on: string }): readonly Target[] {
  const project = 'default';
  const production = { project, model: 'bike', environment: 'production' };
  if (access.on === 'everything') return [{}];
  if (access.on === 'project') return [{ project }];
  if (access.on === 'model') return [{ project, model: 'bike' }];
  if (access.on === 'environment') return [{ project, environment: 'production' }];
  return [production];
}

function covers(grant: Grant, role: Role, target: Target): boolean {
  const fields = ['project', 'model', 'environment'] as const;
  return includesRole(grant.role, role) && fields.every((field) => [undefined, target[field]].includes(grant[field]));
}

function mayCall(grants: readonly Grant[], route: string): boolean {
  const access = accessTo(route);
  if (!('on' in access)) return true;
  if (access.on === 'somewhere')
    return grants.some(
      ({ role, project }) => includesRole(role, access.to) && [undefined, 'default'].includes(project),
    );
  const holds = (role: Role) => targetsOf(access).some((target) => grants.some((grant) => covers(grant, role, target)));
  // A vote also needs an approver, by the policy of the approval.
  return holds(access.to) && (!route.endsWith('/votes') || holds('approver'));
}

const places: Readonly<Record<string, Omit<Grant, 'role'>>> = {
  everything: {},
  project: { project: 'default' },
  'another project': { project: 'other' },
  model: { project: 'default', model: 'bike' },
  'another model': { project: 'default', model: 'taxi' },
  'the model of any project': { model: 'bike' },
  environment: { environment: 'production' },
  'another environment': { environment: 'staging' },
  'environment of the project': { project: 'default', environment: 'production' },
  'model and environment': { project: 'default', model: 'bike', environment: 'production' },
  'model and another environment': { project: 'default', model: 'bike', environment: 'staging' },
};

const kinds: Readonly<Record<string, readonly Grant[]>> = {
  none: [],
  ...Object.fromEntries(
    Object.entries(places).flatMap(([place, on]) =>
      (['viewer', 'operator', 'approver', 'admin'] as const).map((role) => [`${role} on ${place}`, [{ role, ...on }]]),
    ),
  ),
  'viewer on everything and operator in staging': [{ role: 'viewer' }, { role: 'operator', environment: 'staging' }],
  'admin of another project and viewer of the model': [
    { role: 'admin', project: 'other' },
    { role: 'viewer', project: 'default', model: 'bike' },
  ],
  'approver in production and operator of the model in staging': [
    { role: 'approver', environment: 'production' },
    { role: 'operator', project: 'default', model: 'bike', environment: 'staging' },
  ],
};

test('the table names every route of the document, and no unknown route', () => {
  expect(routes.filter((route) => accessTable[route] === undefined)).toEqual([]);
  const documented = Object.keys(accessTable).filter((route) => accessTable[route]?.to !== 'any key');
  expect(documented.filter((route) => !routes.includes(route))).toEqual([]);
  expect(routes.length).toBeGreaterThan(65);
});

describe('every route', () => {
  test.each(Object.entries(kinds))('answers a key with the grant %s as the table says', async (name, grants) => {
    const who = await api.addKey(name.replaceAll(' ', '-'), grants);
    const wrong: unknown[] = [];
    for (const route of routes.filter((one) => accessTo(one).to !== 'anybody')) {
      const { status, body } = await ask(who, route);
      const refused = status === 403 && body.code === 'forbidden';
      // The seeded data are database rows without bytes, so `blob-missing` is expected.
      const failed = status >= 500 && body.code !== 'blob-missing';
      if (refused === mayCall(grants, route) || status === 401 || failed)
        wrong.push({ route, status, code: body?.code, detail: body?.detail });
    }
    expect(wrong).toEqual([]);
  });

  const strangers: Readonly<Record<string, () => Promise<{ readonly key: string } | null>>> = {
    'no key': async () => null,
    'a wrong key': async () => ({ key: 'perennial_made-up' }),
    'a revoked key': async () => {
      const { id, key } = await api.addKey('revoked', [{ role: 'admin' }]);
      for (const record of await api.repositories.principals.keys())
        if (record.principal.id === id) await api.repositories.principals.revokeKey(id, record.keyId, id);
      return { key };
    },
    'an expired key': async () => {
      const { id } = await api.addKey('expired', [{ role: 'admin' }]);
      const key = 'an-expired-key-0123456789abcdef';
      await api.repositories.principals.addKey(id, sha256OfBytes(key), '', id, '2020-01-01T00:00:00.000Z');
      return { key };
    },
  };
  test.each(Object.entries(strangers))('answers %s with 401, except on public routes', async (_name, stranger) => {
    const who = await stranger();
    const answered: string[] = [];
    for (const route of routes) if ((await ask(who, route)).status !== 401) answered.push(route);
    const open = routes.filter((route) => accessTo(route).to === 'anybody');
    // The webhook also refuses, because the request is not signed.
    expect(answered).toEqual(open.filter((route) => !route.includes('/webhooks/')));
  });
});
