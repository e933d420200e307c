import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { TestApi } from '../support/api.ts';
import { applyBike, bikeInput, startTestApi } from '../support/api.ts';
import { seedVersion } from '../support/seed-candidate.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.stop());
beforeEach(async () => {
  await applyBike(api);
  api.temporal.calls.length = 0;
});
afterEach(() => {
  api.temporal.away = false;
});

async function upload(bytes: string): Promise<string> {
  const sha256 = sha256OfBytes(bytes);
  expect((await api.send('operator', `PUT /v1/blobs/${sha256}`, bytes, { 'content-type': 'text/csv' })).status).toBe(
    200,
  );
  return sha256;
}

describe('a POST that starts a run', () => {
  test('answers 202 with the queued run, and wakes the lifecycle', async () => {
    const sha256 = await upload('id,temp,cnt\n1,2,3\n');
    const { status, body } = await api.send('operator', 'POST /v1/models/bike/datasets', {
      files: [{ name: 'a.csv', sha256, format: 'csv' }],
    });
    expect(status).toBe(202);
    expect(body.run).toMatchObject({
      state: 'queued',
      model: 'bike',
      environment: 'production',
      request: { kind: 'data', files: [{ name: 'a.csv', sha256 }] },
      recordedBy: api.principals.operator,
    });
    expect(api.temporal.calls).toEqual(['advance bike/production']);
    expect((await api.send('viewer', `GET /v1/runs/${body.run.id}`)).body).toEqual(body.run);
  });

  test('allows package builds only if the configuration says so', async () => {
    const archive = await upload('a tar, it says');
    const request = async () => (await api.send('operator', 'POST /v1/models/bike/code', { archive })).body.run.request;
    expect(await request()).not.toHaveProperty('allowBuilds');
    const configuration = Configuration.parse({ ...bikeInput, code: { ...bikeInput.code, allowBuilds: true } });
    await api.repositories.models.apply('default', 'production', configuration, api.principals.operator);
    expect(await request()).toMatchObject({ allowBuilds: true });
  });

  test('takes command and environment of the code from the configuration', async () => {
    const archive = await upload('a tar, it says');
    const { body } = await api.send('operator', 'POST /v1/models/bike/code', {
      archive,
      gitCommit: 'abcdef0',
      dirty: true,
    });
    expect(body.run.request).toEqual({
      kind: 'code',
      schemaVersion: 1,
      archive,
      command: ['python', 'train.py'],
      environmentPath: 'requirements.lock',
      network: false,
      validation: false,
      gitCommit: 'abcdef0',
      dirty: true,
    });
  });

  test('of a build takes asOf from the environment’s clock, and accepts an explicit one with any offset', async () => {
    const before = Date.now();
    const { body } = await api.send('operator', 'POST /v1/models/bike/builds');
    expect(Date.parse(body.run.request.asOf)).toBeGreaterThanOrEqual(before);
    const explicit = await api.send('operator', 'POST /v1/models/bike/builds', {
      asOf: '2012-01-01T00:00:00-05:00',
      params: { max_iter: 3 },
    });
    expect(explicit.body.run.request).toMatchObject({
      asOf: '2012-01-01T05:00:00.000Z',
      params: { max_iter: 3 },
      automated: false,
    });
  });

  test('is also a command for a monitor, a trigger and a resume', async () => {
    expect(
      (await api.send('operator', 'POST /v1/models/bike/reports', { window: '1 month' })).body.run.request,
    ).toMatchObject({ kind: 'monitor', window: '1 month' });
    const trigger = await api.send('operator', 'POST /v1/models/bike/triggers', { kind: 'manual', reason: 'because' });
    expect(trigger).toMatchObject({
      status: 202,
      body: {
        command: { status: 'pending', runId: null, body: { kind: 'trigger', trigger: 'manual', reason: 'because' } },
      },
    });
    expect(
      (await api.send('operator', 'POST /v1/models/bike/resume', { reason: 'mended' })).body.command.body,
    ).toMatchObject({ kind: 'resume', reason: 'mended' });
  });

  test('names the files that were not uploaded', async () => {
    const absent = 'f'.repeat(64);
    const { status, body } = await api.send('operator', 'POST /v1/models/bike/datasets', {
      files: [{ name: 'gone.csv', sha256: absent, format: 'csv' }],
    });
    expect({ status, code: body.code, pointer: body.pointer }).toEqual({
      status: 422,
      code: 'not-uploaded',
      pointer: '/files/0/sha256',
    });
    expect(body.detail).toContain('gone.csv');
    expect((await api.send('operator', 'POST /v1/models/bike/code', { archive: absent })).body).toMatchObject({
      code: 'not-uploaded',
      pointer: '/archive',
    });
  });

  test('of a rejected version, or one never evaluated in the environment, is refused', async () => {
    const scope = await applyBike(api);
    const rejected = await seedVersion(api.repositories, scope, api.principals.operator, {
      seed: 1,
      verdict: 'rejected',
    });
    const candidate = await seedVersion(api.repositories, scope, api.principals.operator, { seed: 2 });
    const refused = await api.send('operator', 'POST /v1/models/bike/deployments', {
      version: rejected.version.number,
    });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'not-a-candidate', detail: expect.stringContaining('rmse 200 is above 150') },
    });
    await applyBike(api, 'staging');
    expect(
      await api.send('operator', 'POST /v1/models/bike/deployments', {
        version: candidate.version.number,
        environment: 'staging',
      }),
    ).toMatchObject({ status: 409, body: { code: 'not-a-candidate' } });
    expect(await api.send('operator', 'POST /v1/models/bike/deployments', { version: 999 })).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
    const started = await api.send('operator', 'POST /v1/models/bike/deployments', {
      version: candidate.version.number,
    });
    expect(started).toMatchObject({
      status: 202,
      body: { run: { request: { kind: 'deploy', evaluationId: candidate.evaluation.id, automated: false } } },
    });
  });

  test('in an environment that the model does not have is not found', async () => {
    expect(await api.send('operator', 'POST /v1/models/bike/builds?environment=moon')).toMatchObject({
      status: 404,
      body: { code: 'not-found' },
    });
    expect(await api.send('operator', 'POST /v1/models/absent/builds')).toMatchObject({ status: 404 });
  });
});

describe('an Idempotency-Key', () => {
  test('makes equal requests one command, even if the clock fills in a default', async () => {
    const headers = { 'idempotency-key': 'build-once' };
    const first = await api.send('operator', 'POST /v1/models/bike/builds', { params: { a: 1 } }, headers);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await api.send('operator', 'POST /v1/models/bike/builds', { params: { a: 1 } }, headers);
    expect(second.status).toBe(202);
    expect(second.body).toEqual(first.body);
    const trigger = { kind: 'manual' };
    const triggers = [
      await api.send('operator', 'POST /v1/models/bike/triggers', trigger, { 'idempotency-key': 't' }),
      await api.send('operator', 'POST /v1/models/bike/triggers', trigger, { 'idempotency-key': 't' }),
    ];
    expect(triggers[1]?.body).toEqual(triggers[0]?.body);
  });

  test('with another body is refused', async () => {
    const headers = { 'idempotency-key': 'build-other' };
    await api.send('operator', 'POST /v1/models/bike/builds', { params: { a: 1 } }, headers);
    const other = await api.send('operator', 'POST /v1/models/bike/builds', { params: { a: 2 } }, headers);
    expect(other).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } });
    expect(
      await api.send('operator', 'POST /v1/models/bike/builds?environment=production', { params: { a: 1 } }, headers),
    ).toMatchObject({ status: 202 });
  });

  test('belongs to one principal and one route', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const mine = await api.send('operator', 'POST /v1/models/bike/builds', undefined, headers);
    const theirs = await api.send('admin', 'POST /v1/models/bike/builds', undefined, headers);
    const report = await api.send('operator', 'POST /v1/models/bike/reports', undefined, headers);
    expect([mine.status, theirs.status, report.status]).toEqual([202, 202, 202]);
    expect(new Set([mine.body.run.id, theirs.body.run.id, report.body.run.id]).size).toBe(3);
  });

  test('starts one run, even if it is sent many times at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        api.send('operator', 'POST /v1/models/bike/builds', {}, { 'idempotency-key': 'at-once' }),
      ),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.run?.id}`)).size).toBe(1);
  });

  test('of more than 200 characters is refused', async () => {
    expect(
      await api.send('operator', 'POST /v1/models/bike/builds', {}, { 'idempotency-key': 'x'.repeat(201) }),
    ).toMatchObject({ status: 400, body: { pointer: '/headers/idempotency-key' } });
  });
});

describe('while Temporal is unreachable', () => {
  test('a command is accepted, stored, and sent later', async () => {
    const patient = await startTestApi({ dispatchEveryMs: 100 });
    try {
      await applyBike(patient);
      patient.temporal.away = true;
      const { status, body } = await patient.send('operator', 'POST /v1/models/bike/builds');
      expect({ status, state: body.run.state }).toEqual({ status: 202, state: 'queued' });
      expect((await patient.send(null, 'GET /readyz')).body).toMatchObject({
        status: 'unready',
        dependencies: { temporal: 'down', database: 'up', objectStore: 'up' },
      });
      expect(patient.temporal.calls).not.toContain('advance bike/production');
      patient.temporal.away = false;
      await expect
        .poll(() => patient.temporal.calls, { timeout: 10_000, interval: 100 })
        .toContain('advance bike/production');
      expect((await patient.send('viewer', `GET /v1/runs/${body.run.id}`)).body.state).toBe('queued');
    } finally {
      await patient.stop();
    }
  });

  test('a vote and a cancellation are accepted too', async () => {
    const { body } = await api.send('operator', 'POST /v1/models/bike/builds');
    api.temporal.away = true;
    expect((await api.send('operator', `POST /v1/runs/${body.run.id}/cancel`, { reason: 'enough' })).status).toBe(202);
  });

  test('a slow lifecycle delays the response by no more than a second or so', async () => {
    const slow = await startTestApi();
    try {
      await applyBike(slow);
      const began = performance.now();
      slow.temporal.advance = () => new Promise(() => {});
      expect((await slow.send('operator', 'POST /v1/models/bike/builds')).status).toBe(202);
      expect(performance.now() - began).toBeLessThan(3_000);
    } finally {
      await slow.stop();
    }
  });
});
