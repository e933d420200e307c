import { afterAll, beforeAll, expect, test } from 'vitest';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, startTestApi } from '../support/api.ts';
import { beginRun, seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
let staging: Scope;
let production: Scope;

beforeAll(async () => {
  api = await startTestApi();
  staging = await applyBike(api, 'staging');
  production = await applyBike(api, 'production');
});
afterAll(() => api.stop());

/** Makes a release for staging. */
async function stagedRelease(seed: number) {
  const { repositories, principals } = api;
  const { version, evaluation } = await seedVersion(repositories, staging, principals.operator, { seed });
  const request = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
  const runId = await beginRun(repositories, staging, request, principals.operator);
  const release = await repositories.deployments.makeRelease(staging, evaluation.id, {
    runId,
    by: principals.operator,
  });
  return { version, evaluation, release };
}

function deploy(body: object) {
  return api.send('operator', 'POST /v1/models/bike/deployments?environment=production', body);
}

test('a release of staging is the same release in production if the configurations are the same', async () => {
  const { evaluation, release } = await stagedRelease(1);
  const { status, body } = await deploy({ release: release.digest });
  expect(status).toBe(202);
  expect(body.run).toMatchObject({
    environment: 'production',
    request: { kind: 'deploy', evaluationId: evaluation.id, release: release.digest, automated: false },
  });
  const { repositories, principals } = api;
  await repositories.runs.begin(body.run.id);
  const made = await repositories.deployments.makeRelease(production, evaluation.id, {
    runId: body.run.id,
    by: principals.operator,
    expected: release.digest,
  });
  expect(made.id).toBe(release.id);
});

test('a version that was evaluated only in another environment is refused, with that environment and the command that promotes it', async () => {
  const { version } = await stagedRelease(2);
  expect(await deploy({ version: version.number })).toMatchObject({
    status: 409,
    body: { code: 'not-a-candidate', detail: expect.stringContaining('perennial promote --from staging') },
  });
});

test('a promotion under another configuration is refused, both at the request and when the release is made', async () => {
  const { evaluation, release } = await stagedRelease(3);
  const { repositories, principals } = api;
  const before = await repositories.models.currentConfiguration(production);
  const changed = Configuration.parse({ ...before.configuration, owner: 'another-team' });
  await repositories.models.apply('default', 'production', changed, principals.operator);
  try {
    expect(await deploy({ release: release.digest })).toMatchObject({
      status: 409,
      body: {
        code: 'configuration-differs',
        detail: expect.stringContaining('apply the same perennial.yaml to production'),
      },
    });
    const request = { kind: 'deploy', schemaVersion: 1, evaluationId: evaluation.id, automated: false } as const;
    const runId = await beginRun(repositories, production, request, principals.operator);
    await expect(
      repositories.deployments.makeRelease(production, evaluation.id, {
        runId,
        by: principals.operator,
        expected: release.digest,
      }),
    ).rejects.toMatchObject({ code: 'configuration-differs' });
  } finally {
    await repositories.models.apply('default', 'production', before.configuration, principals.operator);
  }
});

test.each([{}, { version: 1, release: 'a'.repeat(64) }])(
  'a body of %j does not name exactly one of version and release, and is refused',
  async (body) => {
    expect(await deploy(body)).toMatchObject({ status: 400 });
  },
);

test('an unknown release is not found', async () => {
  expect(await deploy({ release: 'a'.repeat(64) })).toMatchObject({ status: 404, body: { code: 'not-found' } });
});

test.each([
  ['deployments', { version: 1 }],
  ['rollback', { reason: 'worse' }],
  ['resume', { reason: 'better' }],
])('%s changes nothing if the query and the body name different environments', async (verb, body) => {
  const send = (query: string, environment: string) =>
    api.send('operator', `POST /v1/models/bike/${verb}${query}`, { ...body, environment });
  expect(await send('?environment=staging', 'production')).toMatchObject({
    status: 400,
    body: { code: 'invalid-request', pointer: '/environment', detail: expect.stringMatching(/staging .*production/) },
  });
  // A default value in the query does not count as given, and the same value in both places is no contradiction.
  for (const query of ['', '?environment=staging'])
    expect((await send(query, 'staging')).body.code ?? 'accepted').not.toBe('invalid-request');
});
