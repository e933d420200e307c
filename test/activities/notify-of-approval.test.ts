import { MockActivityEnvironment } from '@temporalio/testing';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createLogger } from '../../adapters/logger/pino.ts';
import { createNotifier } from '../../adapters/notifier/create-notifier.ts';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import type { ActivityDependencies } from '../../activities/activity-dependencies.ts';
import { createNotifyOfApproval } from '../../activities/deployment/notify-of-approval.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import { configuration } from '../db/database-ground.ts';
import { layDeploymentGround, type DeploymentGround } from '../db/deployment-ground.ts';
import { seedApproval, seedVersion } from '../support/seed-candidate.ts';

let ground: DeploymentGround;
beforeAll(async () => {
  ground = await layDeploymentGround();
});
afterAll(() => ground?.end());

/** Starts a fake webhook receiver; the real one is not part of the project. */
async function receiver() {
  const heard: { id: unknown; body: { type: string; data: Record<string, unknown> } }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      heard.push({ id: request.headers['webhook-id'], body: JSON.parse(body) });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>((resolve) => (server.closeAllConnections(), server.close(() => resolve())));
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close };
}

test('approvers are notified through every named webhook with the address of the evidence, and a missing webhook delays nothing', async () => {
  const { database, context, by } = ground;
  const repositories = createPostgresRepositories({
    url: database.url,
    ...context,
    secret: 'a secret of this installation',
  });
  const { heard, url, close } = await receiver();
  try {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    await repositories.connections.put('default', 'people', { kind: 'webhook', url, secret }, by);
    const own = Configuration.parse({ ...configuration, name: 'told', deploy: { notify: ['people', 'absent'] } });
    const { scope } = await repositories.models.apply('default', 'production', own, by);
    const seeded = await seedVersion(repositories, scope, by, { seed: 1 });
    const { approval, runId } = await seedApproval(repositories, scope, by, seeded);
    const notify = createNotifyOfApproval({
      repositories,
      notifier: createNotifier({
        clock: createSystemClock(),
        hosts: createOutboundHosts({ allowPrivate: true }),
      }),
      clock: createSystemClock(),
      logger: createLogger({ name: 'test', level: 'silent' }),
    } as ActivityDependencies);
    const tell = (about: 'requested' | 'requested-again' | 'reminded') =>
      new MockActivityEnvironment().run(notify, { runId, scope, approvalId: approval.id, about });
    expect(await tell('requested')).toEqual({ told: ['people'], failed: ['absent'] });
    expect(await tell('reminded')).toEqual({ told: ['people'], failed: ['absent'] });
    expect(await tell('requested-again')).toEqual({ told: ['people'], failed: ['absent'] });
    expect(heard.map(({ id, body }) => [id, body.type])).toEqual([
      [`msg_${approval.id}_requested_people`, 'approval.requested'],
      [`msg_${approval.id}_reminded_people`, 'approval.reminded'],
      [`msg_${approval.id}_requested-again_people`, 'approval.requested-again'],
    ]);
    expect(heard[0]?.body.data).toMatchObject({
      model: 'told',
      approval: approval.id,
      digest: approval.digest,
      votes: 0,
      wanted: 1,
      roles: ['approver'],
      evidence: `/v1/approvals/${approval.id}/evidence.html`,
    });
  } finally {
    await close();
    await repositories.close();
  }
});
