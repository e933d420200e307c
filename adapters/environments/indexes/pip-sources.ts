import { publicIndexUrl } from '../../../contracts/code/public-registries.ts';
import { proxiesOf } from '../../../contracts/settings/proxies.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIniFile } from './ini-file.ts';
import type { PipSources } from './package-sources.ts';
import type { ToolVariables } from '../tool-environment.ts';

const defaultIdleSeconds = 60;

/** Indexes that the administrator set in place of those of the worker's own pip configuration. */
export interface PipIndexes {
  readonly indexUrl: string | undefined;
  readonly extraIndexUrls: readonly string[];
}

/**
 * Reads the package sources: those that the administrator set, else those of the worker's own pip configuration. The
 * configuration is read in pip's order: files from the general to the specific, then variables. `prefixes` are those of
 * the worker's Python.
 */
export async function readPipSources(
  environment: ToolVariables,
  set: PipIndexes,
  prefixes: readonly string[],
): Promise<PipSources> {
  const pip = await pipConfiguration(environment, prefixes);
  const words = (name: string): string[] => (pip.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
  const isSet = set.indexUrl !== undefined || set.extraIndexUrls.length > 0;
  const noIndex = !isSet && isTrue(pip.get('no-index'));
  const own = [pip.get('index-url') ?? publicIndexUrl, ...words('extra-index-url')];
  const chosen = [set.indexUrl ?? pip.get('index-url') ?? publicIndexUrl, ...set.extraIndexUrls];
  const proxy = pip.get('proxy');
  const authorities = pip.get('cert') ?? environment.REQUESTS_CA_BUNDLE ?? environment.CURL_CA_BUNDLE;
  const certificate = pip.get('client-cert');
  return {
    indexes: noIndex ? [] : isSet ? chosen : own,
    findLinks: isSet ? [] : words('find-links'),
    reach: {
      authorities: await pemOf(authorities ?? environment.SSL_CERT_FILE),
      clientCertificate: (await pemOf(certificate))[0],
      trustedHosts: words('trusted-host'),
      proxies: proxiesOf(proxy === undefined ? environment : { HTTP_PROXY: proxy, NO_PROXY: environment.NO_PROXY }),
      idleMs: 1000 * (Number(pip.get('timeout') ?? pip.get('default-timeout')) || defaultIdleSeconds),
    },
  };
}

async function pipConfiguration(
  environment: ToolVariables,
  prefixes: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const file of pipFiles(environment, prefixes)) {
    const sections = await readIniFile(file);
    for (const section of ['global', 'install'])
      for (const [name, value] of sections.get(section) ?? [])
        found.set(name.replaceAll('_', '-').toLowerCase(), value);
  }
  for (const [name, value] of Object.entries(environment))
    if (name.startsWith('PIP_') && value !== undefined && value !== '')
      found.set(name.slice('PIP_'.length).replaceAll('_', '-').toLowerCase(), value);
  return found;
}

function pipFiles(environment: ToolVariables, prefixes: readonly string[]): string[] {
  const named = environment.PIP_CONFIG_FILE;
  // With this value pip reads no configuration file.
  if (named === '/dev/null') return [];
  const home = environment.HOME;
  const general = (environment.XDG_CONFIG_DIRS ?? '/etc/xdg').split(':').map((folder) => join(folder, 'pip/pip.conf'));
  const config = environment.XDG_CONFIG_HOME ?? (home === undefined ? undefined : join(home, '.config'));
  const user = [
    home === undefined ? [] : [join(home, '.pip/pip.conf'), join(home, 'Library/Application Support/pip/pip.conf')],
    config === undefined ? [] : [join(config, 'pip/pip.conf')],
  ].flat();
  const site = prefixes.map((prefix) => join(prefix, 'pip.conf'));
  return [...general, '/etc/pip.conf', ...user, ...site, ...(named === undefined ? [] : [named])];
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(1|y|yes|t|true|on)$/i.test(value);
}

async function pemOf(path: string | undefined): Promise<string[]> {
  if (path === undefined || path === '') return [];
  const text = await readFile(path, 'utf8').catch(() => '');
  return text === '' ? [] : [text];
}
