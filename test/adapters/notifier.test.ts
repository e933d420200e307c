import type { IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { ConnectionSettings } from '../../contracts/access/connection.ts';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createSystemClock } from '../../adapters/clock/system.ts';
import { createNotifier } from '../../adapters/notifier/create-notifier.ts';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';

// A fake webhook receiver, which is not part of the project: it answers as each test says and keeps what it receives.

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const message = { id: 'msg_1', type: 'monitor.findings', at: '2012-02-01T00:00:00.000Z', data: { findings: ['ä'] } };
const open: (() => Promise<void>)[] = [];
afterEach(() => Promise.all(open.splice(0).map((close) => close())));

async function receiver(status: number, headers: Record<string, string> = {}) {
  const heard: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      heard.push({ headers: request.headers, body });
      response.writeHead(status, headers).end('thank you');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))));
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/private` };
}

function notifier(allowPrivate = true) {
  return createNotifier({ clock: createSystemClock(), hosts: createOutboundHosts({ allowPrivate }) });
}

function send(url: string, allowPrivate = true, signal = new AbortController().signal) {
  return notifier(allowPrivate).send({ kind: 'webhook', url, secret }, message, signal);
}

test('for every possible secret of a connection, the signature is the HMAC of Standard Webhooks', async () => {
  const { heard, url } = await receiver(204);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const characters = fc.string({ minLength: 32, maxLength: 88, unit: fc.constantFrom(...Array.from(alphabet)) });
  const secrets = fc.tuple(characters, fc.constantFrom('', '=', '==')).map((parts) => `whsec_${parts.join('')}`);
  await fc.assert(
    fc.asyncProperty(secrets, async (any) => {
      expect(ConnectionSettings.safeParse({ kind: 'webhook', url, secret: any }).success).toBe(true);
      await notifier().send({ kind: 'webhook', url, secret: any }, message, new AbortController().signal);
      const { headers, body } = heard.pop()!;
      const key = Buffer.from(any.replace('whsec_', ''), 'base64');
      const signed = `msg_1.${String(headers['webhook-timestamp'])}.${body}`;
      expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
    }),
    { numRuns: 60 },
  );
});

test('a receiver can verify sender, content and time by id, timestamp and signature', async () => {
  const { heard, url } = await receiver(204);
  await send(url);
  const [{ headers, body }] = heard as [(typeof heard)[number]];
  expect(JSON.parse(body)).toEqual({ type: 'monitor.findings', timestamp: message.at, data: { findings: ['ä'] } });
  const timestamp = String(headers['webhook-timestamp']);
  expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60);
  expect(headers['webhook-id']).toBe('msg_1');
  const told = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1a,AAAA v1,AAAA ${String(headers['webhook-signature'])}`,
  };
  expect(new Webhook(secret).verify(body, told)).toEqual(JSON.parse(body));
  expect(() => new Webhook(secret).verify(`${body} `, told)).toThrow('No matching signature');
});

test.each([400, 410, 500])('an answer of %s is a failure that names the host and no secret', async (status) => {
  const { url } = await receiver(status);
  const failed = send(url);
  await expect(failed).rejects.toMatchObject({ code: 'notification-failed' });
  await expect(failed).rejects.toThrow(String(status));
  await expect(failed).rejects.not.toThrow('private/');
});

test('a redirect is not followed', async () => {
  const elsewhere = await receiver(200);
  const { url } = await receiver(302, { location: elsewhere.url });
  await expect(send(url)).rejects.toMatchObject({ code: 'notification-failed' });
  expect(elsewhere.heard).toEqual([]);
});

test.each([
  'http://127.0.0.1:1/',
  'http://localhost:1/',
  'http://[::1]:1/',
  'http://169.254.169.254/latest',
  'http://10.0.0.8/',
])('%s is refused unless private addresses are allowed', async (url) => {
  await expect(send(url, false)).rejects.toMatchObject({ code: 'source-refused' });
});

test('a name is resolved once, and the connection uses that address', async () => {
  const { heard, url } = await receiver(200);
  const asked: string[] = [];
  const hosts = createOutboundHosts({
    allowPrivate: true,
    lookupAll: async (hostname) => (asked.push(hostname), [{ address: '127.0.0.1' }]),
  });
  const named = url.replace('127.0.0.1', 'hooks.example.com');
  const webhook = { kind: 'webhook', url: named, secret } as const;
  await createNotifier({ clock: createSystemClock(), hosts }).send(webhook, message, new AbortController().signal);
  expect(asked).toEqual(['hooks.example.com']);
  expect(heard[0]!.headers.host).toContain('hooks.example.com');
});
