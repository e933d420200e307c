import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ApiAnswer, TestApi } from '../support/api.ts';
import { bikeInput, startTestApi } from '../support/api.ts';

const secret = 'a-secret-that-the-server-shares';
const commit = 'c'.repeat(40);
let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.repositories.connections.put(
    'default',
    'forge',
    { kind: 'git', url: 'https://forge.example/team', token: 'token', webhookSecret: secret },
    api.principals.admin,
  );
  const code = {
    git: { url: 'https://forge.example/team/models.git', ref: 'main', path: 'bike', connection: 'forge' },
    command: ['sh', 'train.sh'],
  };
  expect((await api.send('operator', 'PUT /v1/models/pushed', { ...bikeInput, name: 'pushed', code })).status).toBe(
    200,
  );
  expect((await api.send('operator', 'PUT /v1/models/folder', { ...bikeInput, name: 'folder' })).status).toBe(200);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.temporal.calls.length = 0;
});

let pushes = 0;
function pushOf(changes: object = {}): object {
  const repository = {
    clone_url: 'https://forge.example/team/models.git',
    ssh_url: 'git@forge.example:team/models.git',
    pushed_at: (pushes += 1),
  };
  return { ref: 'refs/heads/main', before: '0'.repeat(40), after: commit, deleted: false, repository, ...changes };
}

function deliver(
  payload: object,
  options: { model?: string; signature?: string | null; event?: string; delivery?: string } = {},
): Promise<ApiAnswer> {
  const body = JSON.stringify(payload);
  const signature = options.signature ?? `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return api.send(null, `POST /v1/webhooks/git/${options.model ?? 'pushed'}`, body, {
    'content-type': 'application/json',
    'x-github-event': options.event ?? 'push',
    'x-github-delivery': options.delivery ?? 'd-1',
    ...(options.signature === null ? {} : { 'x-hub-signature-256': signature }),
  });
}

test('a signed push starts a run that fetches the code of its commit, recorded as the principal of the webhook', async () => {
  const { status, body } = await deliver(pushOf());
  expect(status).toBe(202);
  expect(body.run).toMatchObject({
    state: 'queued',
    model: 'pushed',
    environment: 'production',
    request: {
      kind: 'code',
      git: { ref: commit, path: 'bike', connection: 'forge' },
      pushedRef: 'main',
      command: ['sh', 'train.sh'],
    },
  });
  expect(api.temporal.calls).toEqual(['advance pushed/production']);
  expect((await api.repositories.principals.get(body.run.recordedBy)).name).toBe('git-webhook');
});

test('a repeated delivery, under any delivery id, is the same run', async () => {
  const push = pushOf();
  const first = await deliver(push, { delivery: 'd-2' });
  const again = await deliver(push, { delivery: 'd-2' });
  const replayed = await deliver(push, { delivery: 'made-up' });
  expect([again, replayed].map(({ body }) => body.run.id)).toEqual([first.body.run.id, first.body.run.id]);
});

test('another push of the same commit is another run', async () => {
  const first = await deliver(pushOf());
  const second = await deliver(pushOf());
  expect(second.body.run.id).not.toBe(first.body.run.id);
});

test.each([
  ['no signature', { signature: null }],
  ['a forged signature', { signature: `sha256=${'0'.repeat(64)}` }],
  ['a short signature', { signature: 'sha256=' }],
  [
    'a signature with another secret',
    { signature: `sha256=${createHmac('sha256', 'other').update('').digest('hex')}` },
  ],
  ['a model without code in git', { model: 'folder' }],
  ['an unknown model', { model: 'nobody' }],
])('%s starts nothing, and gets the same response as an unknown webhook', async (_, options) => {
  const { status, body } = await deliver(pushOf(), options);
  expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthenticated' });
  expect(body.detail).toContain('this model has no webhook');
  expect(api.temporal.calls).toEqual([]);
});

test('a signature must match the exact bytes, not the parsed JSON', async () => {
  const push = pushOf();
  const signature = `sha256=${createHmac('sha256', secret)
    .update(JSON.stringify(push, null, 2))
    .digest('hex')}`;
  expect((await deliver(push, { signature })).status).toBe(401);
});

test.each([
  ['another branch', 'push', { ref: 'refs/heads/other' }, 'refs/heads/other was pushed, but code.git.ref is main'],
  ['a deleted branch', 'push', { deleted: true }, 'was deleted'],
  [
    'another repository',
    'push',
    { repository: { clone_url: 'https://forge.example/team/else.git' } },
    'a repository other than code.git.url',
  ],
  ['a ping', 'ping', {}, 'ping'],
])('%s is accepted and starts nothing', async (_, event, changes, reason) => {
  const { status, body } = await deliver(pushOf(changes), { event });
  expect({ status, run: body.run }).toEqual({ status: 202, run: null });
  expect(body.ignored).toContain(reason);
  expect(api.temporal.calls).toEqual([]);
});

test('a signed body that is not a push or is too large is refused', async () => {
  expect((await deliver({ ref: 'refs/heads/main' })).body).toMatchObject({ status: 400, code: 'invalid-request' });
  expect((await deliver(pushOf({ padding: 'x'.repeat(6 * 1024 ** 2) }))).status).toBe(413);
});

test('only a POST to a model’s own webhook path needs no key', async () => {
  for (const request of ['GET /v1/webhooks/git/pushed', 'POST /v1/webhooks/git/pushed/more', 'POST /v1/webhooks/git'])
    expect((await api.send(null, request)).status).toBe(401);
  expect((await api.send(null, 'POST /v1/webhooks/git/')).body.code).toBe('invalid-request');
});
