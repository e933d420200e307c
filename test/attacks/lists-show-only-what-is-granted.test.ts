import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Grant } from '../../contracts/access/principal.ts';
import { isGranted } from '../../contracts/access/principal.ts';
import type { TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';
import { beginRun, seedApproval, seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
const scopes: Scope[] = [];
const rehearsed: { readonly id: string; readonly source: Scope }[] = [];
let buildInProduction = '';

beforeAll(async () => {
  api = await startTestApi();
  const { operator: by } = api.principals;
  const { repositories } = api;
  const places = [
    ['default', 'bike', 'production'],
    ['default', 'bike', 'staging'],
    ['default', 'taxi', 'production'],
    ['default', 'bus', 'staging'],
    ['other', 'bike', 'staging'],
  ] as const;
  for (const [project, name, environment] of places) {
    const configuration = Configuration.parse({ ...bikeInput, name });
    scopes.push((await repositories.models.apply(project, environment, configuration, by)).scope);
  }
  // Takes the scopes in turn, so that visible items lie between invisible ones.
  const monitor = { kind: 'monitor', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z' } as const;
  for (let turn = 0; turn < 3; turn += 1)
    for (const scope of scopes)
      await repositories.runs.succeed(await beginRun(repositories, scope, monitor, by), ended);
  for (const [seed, scope] of scopes.entries()) {
    const seeded = await seedVersion(repositories, scope, by, { seed });
    const { datasetVersionId, codeVersionId, configurationId, runId } = seeded.version;
    if (seed === 0) buildInProduction = runId;
    await seedApproval(repositories, scope, by, seeded);
    const plan = {
      schemaVersion: 1 as const,
      from: '2011-07-01T00:00:00.000Z',
      to: '2011-08-01T00:00:00.000Z',
      every: 'month' as const,
      datasetVersionId,
      codeVersionId,
      configurationId,
      sourceEnvironment: scope.environment,
    };
    const { rehearsal } = await repositories.rehearsals.create(scope, plan, 'rmse', by);
    rehearsed.push({ id: rehearsal.id, source: scope });
  }
});
afterAll(() => api.stop());

const ended = { kind: 'monitor', reportId: '01a20a2c-88ef-70e6-9289-55045a8cb7d8', opened: 0, closed: 0 } as const;

interface Item {
  readonly id: string;
  readonly project: string;
  readonly model: string;
  readonly environment: string;
}

/** Returns all pages of a list. Every page but the last must be full. */
async function pages<Listed = Item>(key: string, path: string, limit = 2): Promise<readonly Listed[]> {
  const items: Listed[] = [];
  for (let cursor = ''; ;) {
    const { status, body } = await api.send(
      { key },
      `GET ${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`,
    );
    expect({ path, status }).toEqual({ path, status: 200 });
    items.push(...body.items);
    if (body.next === undefined) return items;
    expect(body.items).toHaveLength(limit);
    cursor = `&cursor=${body.next}`;
  }
}

const kinds: Readonly<Record<string, readonly Grant[]>> = {
  everything: [{ role: 'viewer' }],
  'the project': [{ role: 'viewer', project: 'default' }],
  'a model': [{ role: 'operator', project: 'default', model: 'bike' }],
  'an environment': [{ role: 'approver', environment: 'staging' }],
  'an environment of the project': [{ role: 'viewer', project: 'default', environment: 'staging' }],
  'a model in an environment': [{ role: 'admin', project: 'default', model: 'bike', environment: 'staging' }],
  'two models, one of them in one environment': [
    { role: 'viewer', project: 'default', model: 'taxi' },
    { role: 'viewer', project: 'default', model: 'bike', environment: 'staging' },
  ],
};

describe.each(Object.entries(kinds))('a grant on %s', (name, grants) => {
  let key = '';
  beforeAll(async () => {
    key = (await api.addKey(`lists-${name.replaceAll(/[ ,]+/g, '-')}`, grants)).key;
  });
  const sees = (place: { readonly project: string; readonly model: string; readonly environment: string }) =>
    isGranted(grants, 'viewer', { project: place.project, model: place.model, environment: place.environment });

  test.each(['/v1/runs', '/v1/approvals'])('shows in %s exactly what can be opened one by one', async (path) => {
    const all = await pages(api.keys.viewer, path, 200);
    const shown = await pages(key, path);
    expect(shown.map(({ id }) => id)).toEqual(all.filter(sees).map(({ id }) => id));
    for (const { id } of all) {
      const opened = (await api.send({ key }, `GET ${path}/${id}`)).status === 200;
      expect({ id, opened }).toEqual({ id, opened: shown.some((one) => one.id === id) });
    }
  });

  test('shows no more in filtered lists', async () => {
    for (const filter of [
      '?model=bike',
      '?environment=production',
      '?environment=staging&model=bike',
      '?kind=monitor',
    ]) {
      const all = await pages(api.keys.viewer, `/v1/runs${filter}`, 200);
      const { status, body } = await api.send({ key }, `GET /v1/runs${filter}&limit=200`);
      const shown = status === 403 ? [] : body.items.map(({ id }: Item) => id);
      expect({ filter, shown }).toEqual({ filter, shown: all.filter(sees).map(({ id }) => id) });
    }
  });

  test('shows the ledger entries of what it covers', async () => {
    const all = await pages<{
      readonly modelId: string;
      readonly environment: string | null;
      readonly sequence: number;
    }>(api.keys.viewer, '/v1/ledger', 200);
    const nameOf = new Map(scopes.map(({ modelId, model }) => [modelId, model]));
    const expected = all.filter(({ modelId, environment }) =>
      isGranted(grants, 'viewer', {
        project: 'default',
        model: nameOf.get(modelId),
        ...(environment === null ? {} : { environment }),
      }),
    );
    expect(await pages(key, '/v1/ledger', 5)).toEqual(expected);
  });

  test('shows the models and environments in which it covers something', async () => {
    const covered = scopes.filter((scope) => scope.project === 'default' && sees(scope));
    const models = await pages<{ readonly name: string }>(key, '/v1/models', 1);
    expect(models.map((model) => model.name).toSorted()).toEqual(
      [...new Set(covered.map(({ model }) => model))].toSorted(),
    );
    const { body } = await api.send({ key }, 'GET /v1/environments');
    const environments = body.items.map((environment: { name: string }) => environment.name);
    expect(environments.filter((one: string) => !one.startsWith('rehearsal-'))).toEqual(
      [...new Set(covered.map(({ environment }) => environment))].toSorted(),
    );
  });

  test('shows rehearsals of the environments that it covers', async () => {
    const environment = sees({ project: 'default', model: 'bike', environment: 'production' })
      ? 'production'
      : 'staging';
    const shown = await pages<{ readonly id: string }>(key, `/v1/models/bike/rehearsals?environment=${environment}`);
    const ofBike = rehearsed.filter(({ source }) => source.project === 'default' && source.model === 'bike');
    expect(shown.map(({ id }) => id)).toEqual(
      ofBike
        .filter(({ source }) => sees(source))
        .map(({ id }) => id)
        .toReversed(),
    );
  });
});

describe('a grant on staging', () => {
  const grants: readonly Grant[] = [{ role: 'viewer', environment: 'staging' }];
  let key = '';
  beforeAll(async () => {
    key = (await api.addKey('staging-alone', grants)).key;
  });

  test('shows no evaluation of production in a version, which all environments share', async () => {
    const { body } = await api.send('viewer', 'GET /v1/models/bike/versions/1?environment=staging');
    expect(body.evaluations.map((one: Item) => one.environment)).toEqual(['production']);
    const shown = await api.send({ key }, 'GET /v1/models/bike/versions/1?environment=staging');
    expect(shown.body.evaluations).toEqual([]);
  });

  test('does not explain a build of production', async () => {
    const path = `GET /v1/models/bike/builds/${buildInProduction}?environment=staging`;
    expect((await api.send('viewer', path)).status).toBe(200);
    expect((await api.send({ key }, path)).status).toBe(404);
  });

  test('shows for a version that is deployed there no evaluation elsewhere', async () => {
    const operator = await api.addKey('staging-operator', [{ role: 'operator', environment: 'staging' }]);
    const deploy = { version: 1, environment: 'staging' };
    const { body } = await api.send(operator, 'POST /v1/models/bike/deployments', deploy);
    expect({ code: body.code, evaluatedIn: body.evaluatedIn }).toEqual({ code: 'not-a-candidate', evaluatedIn: [] });
  });
});

test("the log stream of a run ends when the reader's key is revoked", async () => {
  const [scope] = scopes;
  if (scope === undefined) throw new Error('there is no scope');
  const { operator: by } = api.principals;
  const monitor = { kind: 'monitor', schemaVersion: 1, asOf: '2012-01-01T00:00:00.000Z' } as const;
  const runId = await beginRun(api.repositories, scope, monitor, by);
  const reader = await api.addKey('reader', [{ role: 'viewer' }]);
  const address = await api.api.listen({ host: '127.0.0.1', port: 0 });
  const answer = await fetch(`${address}/v1/runs/${runId}/logs`, {
    headers: { authorization: `Bearer ${reader.key}`, accept: 'text/event-stream' },
  });
  for (const record of await api.repositories.principals.keys())
    if (record.principal.id === reader.id) await api.repositories.principals.revokeKey(reader.id, record.keyId, by);
  await expect(answer.text()).resolves.toMatch(/event: forbidden\ndata: \{\}\n\n$/);
});

/** Lists that do not filter by viewer, each with the reason. */
const withoutViewer: Readonly<Record<string, string>> = {
  'principal-repository.list': 'of the whole installation, for administrators of everything',
  'ledger-repository.owners': 'of chains that are to be verified; the route has checked the project or the model',
  'collection-repository.list': 'of the whole installation, for viewers of everything',
  'collection-repository.collected': 'of the whole installation, for viewers of everything',
  'code-repository.list': 'of a model, which all of its environments share; the route has checked one of them',
  'dataset-repository.list': 'of a model, which all of its environments share; the route has checked one of them',
  'version-repository.list': 'of a model, which all of its environments share; the route has checked one of them',
  'lifecycle-repository.triggers': 'of a scope, which the route has checked',
  'monitoring-repository.corrections': 'of a scope, which the route has checked',
  'monitoring-repository.reports': 'of a scope, which the route has checked',
};

test('every list of a repository filters by viewer, or has a reason why not', async () => {
  const folder = 'ports/repositories';
  const found: string[] = [];
  const list = /^ {2}(\w+)\(((?:(?!\): Promise<)[\s\S])*)\): Promise<(?:Page<|readonly Environment\[\])/gm;
  for (const file of await readdir(folder))
    for (const [, method, parameters = ''] of (await readFile(`${folder}/${file}`, 'utf8')).matchAll(list))
      if (!/^\s*viewer: Viewer,/.test(parameters)) found.push(`${file.replace('.ts', '')}.${method}`);
  expect(found.toSorted()).toEqual(Object.keys(withoutViewer).toSorted());
});
