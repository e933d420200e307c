import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitConnection } from '../../contracts/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { coversRepository, gitUrl } from '../../contracts/git-source.ts';
import type { OutboundHosts } from '../../ports/outbound-hosts.ts';
import { gitEnvironment, withConfiguration } from './runGit.ts';

export interface AccessSettings {
  readonly hosts: OutboundHosts;
  readonly protocols: readonly string[];
  /** Certificates to trust in place of the system's. */
  readonly certificates?: string | undefined;
}

export interface RemoteAccess {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * What git is told to reach one repository: the address that was checked, and the credentials if they are meant for
 * it. A submodule elsewhere gets none.
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
      `${text} is not an address over https or ssh, which are what code may come from`,
      { url: text },
    );
  const base = gitEnvironment(folder, settings.protocols);
  const usable = connection !== null && coversRepository(connection.url, text) ? connection : null;
  if (protocol === 'ssh') return { url: url.href, environment: await overSsh(url, usable, folder, base, settings) };
  if (protocol !== 'https') return { url: url.href, environment: withConfiguration(base, common) };
  const { address, family } = await settings.hosts.resolve(url.hostname);
  const port = url.port === '' ? '443' : url.port;
  const pinned = family === 6 ? `[${address}]` : address;
  const environment = withConfiguration(base, [
    ...common,
    ['http.curloptResolve', `${url.hostname}:${port}:${pinned}`],
    ...authorization(url, usable),
    ...(settings.certificates === undefined ? [] : [['http.sslCAInfo', settings.certificates] as const]),
  ]);
  return { url: url.href, environment };
}

/** Symbolic links become no links, hooks are none, what a server sends is checked, and redirects are not followed. */
const common: readonly (readonly [string, string])[] = [
  ['core.symlinks', 'false'],
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['credential.helper', ''],
  ['http.followRedirects', 'false'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  ['transfer.fsckObjects', 'true'],
  ['submodule.recurse', 'false'],
  ['gc.auto', '0'],
  ['protocol.version', '2'],
];

function authorization(url: URL, connection: GitConnection | null): (readonly [string, string])[] {
  if (connection?.token === undefined) return [];
  const basic = Buffer.from(`x-access-token:${connection.token}`).toString('base64');
  return [[`http.${url.origin}/.extraHeader`, `Authorization: Basic ${basic}`]];
}

async function overSsh(
  url: URL,
  connection: GitConnection | null,
  folder: string,
  base: Readonly<Record<string, string>>,
  { hosts }: AccessSettings,
): Promise<Readonly<Record<string, string>>> {
  if (connection?.sshKey === undefined || connection.knownHosts === undefined)
    throw new PerennialError(
      'source-refused',
      `${url.host} over ssh wants a connection of kind git with sshKey and knownHosts that is meant for it; name it in code.git.connection`,
      { host: url.host },
    );
  const { address } = await hosts.resolve(url.hostname);
  const [key, known] = [join(folder, 'ssh-key'), join(folder, 'known-hosts')];
  await writeFile(key, `${connection.sshKey.trimEnd()}\n`, { mode: 0o600 });
  await chmod(key, 0o600);
  await writeFile(known, `${connection.knownHosts.trimEnd()}\n`);
  const options = {
    IdentityFile: key,
    IdentitiesOnly: 'yes',
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UserKnownHostsFile: known,
    GlobalKnownHostsFile: '/dev/null',
    ConnectTimeout: '20',
    ServerAliveInterval: '20',
    // The address that was checked, under the name that its key is known by.
    HostName: address,
    HostKeyAlias: url.port === '' ? url.hostname : `[${url.hostname}]:${url.port}`,
  };
  const words = Object.entries(options).map(([name, value]) => `-o '${name}=${value}'`);
  return { ...withConfiguration(base, common), GIT_SSH_COMMAND: `ssh -F /dev/null ${words.join(' ')}` };
}
