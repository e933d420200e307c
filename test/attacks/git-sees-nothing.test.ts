import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directly, openConnectProxy } from '../../adapters/code-source/forwarder.ts';
import { createGitCodeSource } from '../../adapters/code-source/git.ts';
import { createOutboundHosts } from '../../adapters/outbound-hosts/checked.ts';
import type { Sandbox, SandboxedCommand } from '../../adapters/sandbox/sandbox.ts';
import { type GitServer, startGitServer } from '../support/git-server.ts';
import { probingSandbox } from '../support/probing-sandbox.ts';
import { gitGround, refusal } from '../support/git-ground.ts';

const never = new AbortController().signal;
const { sandbox, folder, repository, fetchFrom } = gitGround();
let server: GitServer;
beforeAll(async () => {
  server = await startGitServer();
  await server.commit({ 'train.py': 'x' });
});
afterAll(() => server.stop());

/** Wraps the sandbox so that it records the commands that it runs. */
function remembering(): Sandbox & { readonly commands: SandboxedCommand[] } {
  const commands: SandboxedCommand[] = [];
  return {
    ...sandbox,
    commands,
    run: (command, onOutput) => {
      commands.push(command);
      return sandbox.run(command, onOutput);
    },
    open: (command) => {
      commands.push(command);
      return sandbox.open(command);
    },
  };
}

function fetchOverHttps(settings: { readonly sandbox: Sandbox; readonly token?: string }) {
  const source = createGitCodeSource({
    sandbox: settings.sandbox,
    hosts: createOutboundHosts({ allowPrivate: true }),
    certificates: server.certificate,
  });
  const connection = { kind: 'git' as const, url: `${server.url}/team/`, token: settings.token ?? server.token };
  const request = { url: `${server.url}/team/models.git`, ref: 'main', path: '', connection };
  return source.fetch(request, folder(), never);
}

test('no git process sees a file of the worker or its environment', async () => {
  const secret = join(folder(), 'secret');
  await writeFile(secret, 'a-planted-secret');
  process.env.DATABASE_URL_OF_THIS_TEST = 'another-planted-secret';
  try {
    const probe = probingSandbox(
      sandbox,
      `cat ${secret}; cat /etc/shadow; cat /proc/*/environ; env; ls -la ${folder()}; echo done`,
    );
    await fetchFrom(await repository('code', { 'train.py': 'x' }), { sandbox: probe });
    expect(probe.said.length).toBeGreaterThan(4);
    const said = probe.said.join('');
    expect(said).toContain('done');
    expect(said).not.toContain('planted-secret');
    expect(said).not.toMatch(/root:[*!$]/);
  } finally {
    delete process.env.DATABASE_URL_OF_THIS_TEST;
  }
});

test('git processes write only to temporary folders and the checked-out tree', async () => {
  const probe = probingSandbox(
    sandbox,
    `for at in / /etc /usr ${folder()}; do echo x > $at/planted && echo wrote $at; done; echo done`,
  );
  await fetchFrom(await repository('code', { 'train.py': 'x' }), { sandbox: probe });
  expect(probe.said.join('')).toContain('done');
  expect(probe.said.join('')).not.toMatch(/^wrote (\/|\/etc|\/usr)$/m);
});

test('no git process reaches another port of this machine, or the server directly', async () => {
  const other = createServer((socket) => socket.end('reached')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const probe = probingSandbox(
      sandbox,
      `for port in ${port} ${new URL(server.url).port}; do (exec 3<>/dev/tcp/127.0.0.1/$port && echo reached $port); done; echo done`,
    );
    await fetchOverHttps({ sandbox: probe });
    expect(probe.said.join('').match(/done/g)?.length).toBeGreaterThan(4);
    expect(probe.said.join('')).not.toContain('reached');
  } finally {
    other.close();
  }
});

test('only the fetch has a network and the credentials, and no command line contains them', async () => {
  const remembered = remembering();
  await fetchOverHttps({ sandbox: remembered });
  const basic = Buffer.from(`x-access-token:${server.token}`).toString('base64');
  const holds = (text: string): boolean => text.includes(server.token) || text.includes(basic);
  const networked = remembered.commands.filter(({ network }) => network.kind !== 'none');
  const knowing = remembered.commands.filter(({ env }) => holds(JSON.stringify(env)));
  expect(networked.map(({ args, network }) => [args[2], network.kind])).toEqual([['fetch', 'loopback']]);
  expect(knowing).toEqual(networked);
  expect(remembered.commands.filter(({ args }) => holds(args.join(' ')))).toEqual([]);
});

test('credentials that a server repeats are not in the error message', async () => {
  const token = 'a-token-that-the-server-refuses';
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const echoing: Sandbox = {
    ...sandbox,
    run: async (command, onOutput) => {
      if (command.args[2] === 'fetch') onOutput('stderr', Buffer.from(`remote: you sent ${basic} and ${token}\n`));
      return sandbox.run(command, onOutput);
    },
  };
  const error = await refusal(fetchOverHttps({ sandbox: echoing, token }));
  expect(error).toMatchObject({ code: 'source-unavailable', message: expect.stringContaining('remote: you sent …') });
  expect(error.message).not.toContain(token);
  expect(error.message).not.toContain(basic);
});

test('the proxy leads to the checked host and port, and nowhere else', async () => {
  const port = Number(new URL(server.url).port);
  const proxy = await openConnectProxy({ host: 'localhost', port, way: directly('127.0.0.1', port) });
  const ask = async (line: string): Promise<string> => {
    const socket = connect(proxy.port, '127.0.0.1');
    socket.write(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    socket.destroy();
    return String(answer).split('\r\n')[0] ?? '';
  };
  try {
    expect(await ask(`CONNECT localhost:${port}`)).toBe('HTTP/1.1 200 OK');
    expect(await ask(`CONNECT localhost:${port + 1}`)).toBe('HTTP/1.1 403 Forbidden');
    expect(await ask(`CONNECT 127.0.0.1:${port}`)).toBe('HTTP/1.1 403 Forbidden');
    expect(await ask(`CONNECT 169.254.169.254:80`)).toBe('HTTP/1.1 403 Forbidden');
    expect(await ask(`GET http://localhost:${port}/`)).toContain('405');
  } finally {
    proxy.close();
  }
  const late = connect(proxy.port, '127.0.0.1');
  await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
});

test('ssh goes through the proxy to the checked address', async () => {
  const spoken: string[] = [];
  const forge = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => {
      spoken.push(data.toString('latin1').split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write('SSH-2.0-forge\r\n');
  }).listen(0, '127.0.0.1');
  await once(forge, 'listening');
  const address = forge.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const source = createGitCodeSource({ sandbox, hosts: createOutboundHosts({ allowPrivate: true }) });
    const connection = { kind: 'git' as const, sshKey: 'key', knownHosts: 'localhost ssh-ed25519 AAAA' };
    const request = { url: `ssh://git@localhost:${port}/team/a.git`, ref: 'main', path: '', connection };
    const error = await refusal(source.fetch(request, folder(), never));
    expect(error.code).toBe('source-unavailable');
    expect(spoken).toEqual([expect.stringMatching(/^SSH-2\.0-OpenSSH/)]);
  } finally {
    forge.close();
  }
});
