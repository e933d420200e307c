import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { startTestApi } from '../support/api.ts';

test('a closing API answers requests in progress and closes their connections, even if the client would keep them', async () => {
  const api = await startTestApi();
  const agent = new Agent({ keepAlive: true });
  try {
    const address = await api.api.listen({ host: '127.0.0.1', port: 0 });
    const bytes = 'half and half';
    const upload = request(`${address}/v1/blobs/${sha256OfBytes(bytes)}`, {
      agent,
      method: 'PUT',
      headers: {
        authorization: `Bearer ${api.keys.operator}`,
        'content-type': 'text/csv',
        'content-length': bytes.length,
      },
    });
    const routed = new Promise<void>((resolve) => {
      api.api.server.once('request', () => resolve());
    });
    upload.write(bytes.slice(0, 4));
    await routed;
    const closed = api.api.close();
    upload.end(bytes.slice(4));
    const [answer] = (await once(upload, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers.connection).toBe('close');
    // Without the closed connection, this would wait longer than a test's time limit.
    await closed;
  } finally {
    agent.destroy();
    await api.stop();
  }
});
