import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Network } from '../../adapters/sandbox/sandbox.ts';
import { laySandboxedScript, type SandboxedScript } from '../support/sandboxed-script.ts';

/** Returns a script that requests each address in turn and prints the result. */
function asking(urls: readonly string[]): string {
  return `
import urllib.request
for url in ${JSON.stringify(urls)}:
    try:
        print(url, urllib.request.urlopen(url, timeout=10).read().decode())
    except Exception as error:
        print(url, getattr(error, "reason", error))
`;
}

// Only Linux has network namespaces.
describe.skipIf(process.platform !== 'linux')('the network of code', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    // Listens on every address of this machine, as a database or an API may.
    server = createServer((_, response) => response.end('hello')).listen(0, '0.0.0.0');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    port = address.port;
  });
  afterAll(() => void server.close());

  async function answers(ground: SandboxedScript, hosts: readonly string[], network: Network): Promise<string[]> {
    const urls = hosts.map((host) => `http://${host}:${port}`);
    const { ending, said } = await ground.python(asking(urls), { network });
    expect({ ending, said }).toMatchObject({ ending: { kind: 'exited', exitCode: 0 } });
    return said.trim().split('\n');
  }

  test('without a grant reaches nothing', async () => {
    const ground = await laySandboxedScript('bubblewrap');
    const hosts = ['127.0.0.1', '10.0.2.2', '169.254.169.254'];
    for (const answer of await answers(ground, hosts, { kind: 'none' })) expect(answer).not.toContain('hello');
    await ground.remove();
  });

  test('with a public grant reaches neither this machine, nor its neighbours, nor a cloud’s metadata', async () => {
    const ground = await laySandboxedScript('bubblewrap');
    const own = Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address));
    const special = ['127.0.0.1', '10.0.2.2', '169.254.169.254', '10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1'];
    const hosts = [
      ...special,
      'localhost',
      '0.0.0.0',
      '2130706433',
      ...own.filter((address) => !address.includes(':')),
    ];
    for (const answer of await answers(ground, hosts, { kind: 'public' }))
      expect(answer).toMatch(/refused|unreachable|No route|Invalid argument/);
    await ground.remove();
  });

  test('with a public grant cannot change its routes or add one', async () => {
    const ground = await laySandboxedScript('bubblewrap');
    const script = `
import subprocess
for command in (["ip", "route", "del", "10.0.0.0/8"], ["ip", "link", "add", "x", "type", "dummy"], ["mount", "-t", "tmpfs", "x", "/tmp"]):
    print(subprocess.run(command, capture_output=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).returncode != 0)
`;
    const { said } = await ground.python(script, { network: { kind: 'public' } });
    expect(said.trim().split('\n')).toEqual(['True', 'True', 'True']);
    await ground.remove();
  });

  test('reaches what the administrator allows', async () => {
    const ground = await laySandboxedScript('bubblewrap', { allow: ['127.0.0.1'] });
    // 10.0.2.2 is slirp4netns's address for this machine's loopback address.
    expect(await answers(ground, ['10.0.2.2'], { kind: 'public' })).toEqual([`http://10.0.2.2:${port} hello`]);
    await ground.remove();
  });

  test('with access to one port of this machine reaches that port and no other', async () => {
    const ground = await laySandboxedScript('bubblewrap');
    const other = createServer((_, response) => response.end('other')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const urls = [port, address.port].map((one) => `http://127.0.0.1:${one}`);
    const { said } = await ground.python(asking(urls), { network: { kind: 'loopback', port } });
    const [first, second] = said.trim().split('\n');
    expect(first).toBe(`${urls[0]} hello`);
    expect(second).toContain('refused');
    other.close();
    await ground.remove();
  });

  test('is refused with a clear message if slirp4netns is missing, and nothing runs', async () => {
    const ground = await laySandboxedScript('bubblewrap', { slirp4netns: '/no-such-program' });
    await expect(ground.python('print("ran")', { network: { kind: 'public' } })).rejects.toMatchObject({
      code: 'sandbox-unavailable',
      message: expect.stringContaining('slirp4netns'),
    });
    await ground.remove();
  });
});
