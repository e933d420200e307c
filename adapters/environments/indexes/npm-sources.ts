import { publicNpmRegistry } from '../../../contracts/code/public-registries.ts';
import type { ProxySettings } from '../../../contracts/settings/proxies.ts';
import { proxiesOf } from '../../../contracts/settings/proxies.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIniFile } from './ini-file.ts';
import type { NpmSources } from './package-sources.ts';
import type { ToolVariables } from '../tool-environment.ts';

const idleMs = 60_000;

/**
 * Reads the package sources from the worker's own npm configuration. `prefix` is the folder above the `bin` of its npm.
 */
export async function readNpmSources(environment: ToolVariables, prefix: string): Promise<NpmSources> {
  const npm = await npmConfiguration(environment, prefix);
  const authorities = npm.get('cafile');
  const text = authorities === undefined ? '' : await readFile(authorities, 'utf8').catch(() => '');
  const registry = npm.get('registry') ?? publicNpmRegistry;
  const proxies = {
    ...environment,
    ...given('http_proxy', npm.get('proxy')),
    ...given('https_proxy', npm.get('https-proxy') ?? npm.get('proxy')),
    ...given('no_proxy', npm.get('noproxy')),
  };
  return {
    registry,
    scopedRegistries: new Map(
      [...npm].flatMap(([name, value]): [string, string][] => {
        const scope = /^(@[^:/]+):registry$/.exec(name)?.[1];
        return scope === undefined ? [] : [[scope, value]];
      }),
    ),
    authorizations: authorizationsOf(npm),
    reach: {
      authorities: text === '' ? [] : [text],
      clientCertificate: undefined,
      trustedHosts: npm.get('strict-ssl') === 'false' ? [new URL(registry).host] : [],
      proxies: proxiesOf(proxies),
      idleMs,
    },
  };
}

function given(name: keyof ProxySettings, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [name]: value };
}

async function npmConfiguration(environment: ToolVariables, prefix: string): Promise<ReadonlyMap<string, string>> {
  const named = new Map(
    Object.entries(environment).flatMap(([name, value]): [string, string][] => {
      const setting = /^npm_config_(.+)$/i.exec(name)?.[1];
      if (setting === undefined || value === undefined || value === '') return [];
      // npm reads `_` within a name as `-`, but not in a setting of one registry or scope.
      return [
        [
          setting.startsWith('/') || setting.startsWith('@')
            ? setting
            : setting.toLowerCase().replaceAll(/(?!^)_/g, '-'),
          value,
        ],
      ];
    }),
  );
  const user = named.get('userconfig') ?? join(environment.HOME ?? '/', '.npmrc');
  const files = [named.get('globalconfig') ?? join(prefix, 'etc/npmrc'), user];
  const found = new Map<string, string>();
  for (const file of files)
    for (const [name, value] of (await readIniFile(file)).get('') ?? []) found.set(name, filledIn(value, environment));
  return new Map([...found, ...named]);
}

/** Substitutes the variables that the administrator's file names, as npm does. */
function filledIn(value: string, environment: ToolVariables): string {
  const bare = value.replace(/^(["'])(.*)\1$/, '$2');
  return bare.replaceAll(/\$\{([^}?]+)\??\}/g, (whole, name: string) => environment[name] ?? whole);
}

function authorizationsOf(npm: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of npm) {
    const [, start, kind] = /^(\/\/.+?):(_authToken|_auth|username)$/.exec(name) ?? [];
    if (start === undefined) continue;
    const password = npm.get(`${start}:_password`);
    if (kind === '_authToken') found.set(start, `Bearer ${value}`);
    else if (kind === '_auth') found.set(start, `Basic ${value}`);
    else if (password !== undefined) found.set(start, basic(value, Buffer.from(password, 'base64').toString('utf8')));
  }
  return found;
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
