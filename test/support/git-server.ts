import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface GitServer {
  /** `https://localhost:…`; the certificate is valid for `forge.example` too. */
  readonly url: string;
  /** Path of the server's certificate, for clients to trust. */
  readonly certificate: string;
  readonly token: string;
  /** Commits these files to the branch main of the repository `team/models` and returns the commit id. */
  commit(files: Readonly<Record<string, string | Uint8Array>>): Promise<string>;
  stop(): Promise<void>;
}

/** Starts git's own HTTP server over TLS with a self-signed certificate, one repository, and a required token. */
export async function startGitServer(): Promise<GitServer> {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-forge-'));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,DNS:forge.example,IP:127.0.0.1'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    certificate,
  ]);
  const [bare, work] = [join(folder, 'repositories/team/models.git'), join(folder, 'work')];
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  await run('git', ['clone', '--quiet', bare, work]);
  const token = 'a-token-of-the-test';
  const { stdout: programs } = await run('git', ['--exec-path']);
  const server = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (request, response) => {
    serve(join(programs.trim(), 'git-http-backend'), join(folder, 'repositories'), token, request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `https://localhost:${address.port}`,
    certificate,
    token,
    async commit(files) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        await writeFile(join(work, path), content);
      }
      const git = (...args: string[]) =>
        run('git', ['-C', work, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args]);
      await git('checkout', '--quiet', '-B', 'main');
      await git('add', '--all');
      await git('commit', '--quiet', '--message', 'files');
      await git('push', '--quiet', 'origin', 'main');
      return (await git('rev-parse', 'HEAD')).stdout.trim();
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Answers one request through CGI, as git-http-backend requires. */
function serve(backend: string, root: string, token: string, request: IncomingMessage, response: ServerResponse): void {
  const basic = `Basic ${Buffer.from(`x-access-token:${token}`).toString('base64')}`;
  if (request.headers.authorization !== basic) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="forge"' }).end();
    return;
  }
  const url = new URL(request.url ?? '/', 'https://localhost');
  const child = spawn(backend, [], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REQUEST_METHOD: request.method,
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      REMOTE_USER: 'test',
    },
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf('\r\n\r\n');
    const headers = output.subarray(0, end).toString('latin1').split('\r\n');
    for (const header of headers) {
      const [name = '', value = ''] = header.split(': ', 2);
      if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
}
