import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GitConnection } from '../../contracts/access/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { coversRepository, gitUrl, gitUrlProblem } from '../../contracts/code/git-source.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import type { Mount, Network } from '../sandbox/sandbox.ts';
import { directly, type Forwarder, openConnectProxy, openPortForwarder } from './forwarder.ts';
import { withConfiguration } from './run-git.ts';

export interface AccessSettings {
  readonly hosts: OutboundHosts;
  readonly protocols: readonly string[];
  /** Path of a certificate file that replaces the system's trusted certificates. */
  readonly certificates?: string | undefined;
  /** Environment variables of every git process. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What only the git process that contacts the server is given: the route to the server and the credentials. */
export interface RemoteAccess {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  readonly network: Network;
  /** Returns why the server could not be reached, or null if no reason is known. */
  failure(): string | null;
  /** Secrets to remove from git's messages. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the route to one repository: a forwarder to the address that was checked, or to the configured proxy. It
 * carries the credentials only if the connection covers this repository, so a submodule elsewhere gets none. `folder`
 * must not exist yet; it holds the ssh credentials until `close`. Throws `source-refused`.
 */
export async function accessTo(
  text: string,
  connection: GitConnection | null,
  folder: string,
  settings: AccessSettings,
): Promise<RemoteAccess> {
  const url = gitUrl(text);
  const protocol = url?.protocol.slice(0, -1) ?? '';
  if (url === undefined || !settings.protocols.includes(protocol))
    throw new PerennialError(
      'source-refused',
      `${JSON.stringify(text)} is not an https or ssh address, and code is fetched over these only`,
      { url: text },
    );
  if (protocol === 'file') return ofThisMachine(url, settings);
  const problem = gitUrlProblem(text);
  if (problem !== undefined)
    throw new PerennialError('source-refused', `the address ${JSON.stringify(text)} ${problem}`, { url: text });
  const usable = connection !== null && coversRepository(connection.url, text) ? connection : null;
  return protocol === 'ssh' ? overSsh(url, usable, folder, settings) : overHttps(url, usable, settings);
}

/**
 * Git configuration of every call: no symbolic links, no hooks and no redirects; objects that a server sends are
 * checked.
 */
const common: readonly (readonly [string, string])[] = [
  ['core.symlinks', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.attributesFile', '/dev/null'],
  ['core.excludesFile', '/dev/null'],
  ['core.protectHFS', 'true'],
  ['core.protectNTFS', 'true'],
  // Large files are streamed and packs stay packed, so that the expanded size is counted before files are written.
  ['core.bigFileThreshold', '16m'],
  ['fetch.unpackLimit', '1'],
  ['credential.helper', ''],
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  ['transfer.fsckObjects', 'true'],
  ['transfer.bundleURI', 'false'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['protocol.version', '2'],
];

/** Returns the environment with the git configuration of every call. */
export function configured(environment: Readonly<Record<string, string>>): Record<string, string> {
  return withConfiguration(environment, common);
}

function ofThisMachine(url: URL, { environment }: AccessSettings): RemoteAccess {
  return {
    url: url.href,
    environment: configured(environment),
    mounts: [{ source: fileURLToPath(url) }],
    network: { kind: 'none' },
    secrets: [],
    failure: () => null,
    close: () => Promise.resolve(),
  };
}

async function overHttps(url: URL, connection: GitConnection | null, settings: AccessSettings): Promise<RemoteAccess> {
  const { certificates, environment, hosts } = settings;
  const way = await hosts.route(url);
  const port = url.port === '' ? 443 : Number(url.port);
  const forwarder = await openConnectProxy({ host: url.hostname, port, way });
  const authorities = certificates === undefined ? null : resolve(certificates);
  const basic = connection?.token === undefined ? null : basicCredentials(connection.token);
  const own: (readonly [string, string])[] = [
    ['http.proxy', `http://127.0.0.1:${forwarder.port}`],
    ...(basic === null ? [] : [[`http.${url.origin}/.extraHeader`, `Authorization: Basic ${basic}`] as const]),
    ...(authorities === null ? [] : [['http.sslCAInfo', authorities] as const]),
  ];
  return {
    ...through(forwarder),
    url: url.href,
    environment: withConfiguration(environment, [...common, ...own]),
    mounts: authorities === null ? [] : [{ source: authorities }],
    secrets: basic === null ? [] : [basic, connection?.token ?? basic],
    close: async () => forwarder.close(),
  };
}

function basicCredentials(token: string): string {
  return Buffer.from(`x-access-token:${token}`).toString('base64');
}

function through(forwarder: Forwarder): Pick<RemoteAccess, 'network' | 'failure'> {
  return { network: { kind: 'loopback', port: forwarder.port }, failure: () => forwarder.failure() };
}

async function overSsh(
  url: URL,
  connection: GitConnection | null,
  folder: string,
  { environment, hosts }: AccessSettings,
): Promise<RemoteAccess> {
  if (connection?.sshKey === undefined || connection.knownHosts === undefined)
    throw new PerennialError(
      'source-refused',
      `${url.host} over ssh needs a connection of kind git with sshKey and knownHosts for this repository; set code.git.connection to its name`,
      { host: url.host },
    );
  const { address } = await hosts.resolve(url.hostname);
  const port = url.port === '' ? 22 : Number(url.port);
  const forwarder = await openPortForwarder({ host: url.hostname, port, way: directly(address, port) });
  try {
    await mkdir(folder, { mode: 0o700 });
    await writeFile(join(folder, 'key'), `${connection.sshKey.trimEnd()}\n`, { mode: 0o600 });
    await writeFile(join(folder, 'known-hosts'), `${connection.knownHosts.trimEnd()}\n`);
    await writeFile(join(folder, 'config'), sshConfiguration(url, folder, forwarder.port));
  } catch (caught) {
    forwarder.close();
    throw caught;
  }
  const command = `ssh -F ${shellWord(join(folder, 'config'))}`;
  return {
    ...through(forwarder),
    // Without the port: git would pass it to ssh, where it would override the forwarder's port.
    url: withoutPort(url),
    environment: { ...configured(environment), GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: 'ssh' },
    mounts: [{ source: folder }],
    secrets: [],
    close: async () => {
      forwarder.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns the ssh options as the text of a configuration file, so that no part of a URL reaches a shell. */
function sshConfiguration(url: URL, folder: string, port: number): string {
  const file = (name: string): string => `"${join(folder, name).replaceAll('%', '%%')}"`;
  const settings = {
    IdentityFile: file('key'),
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    UserKnownHostsFile: file('known-hosts'),
    GlobalKnownHostsFile: '/dev/null',
    ConnectTimeout: '20',
    ServerAliveInterval: '20',
    // ssh connects to the forwarder and looks up the host key under the server's own name.
    HostName: '127.0.0.1',
    Port: String(port),
    HostKeyAlias: url.port === '' ? url.hostname : `[${url.hostname}]:${url.port}`,
    CheckHostIP: 'no',
  };
  return `${Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join('\n')}\n`;
}

function withoutPort(url: URL): string {
  const bare = new URL(url);
  bare.port = '';
  return bare.href;
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
