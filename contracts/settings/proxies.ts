import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { PerennialError } from '../errors.ts';

// Interprets HTTPS_PROXY, HTTP_PROXY and NO_PROXY like curl, pip and Node, with two additional rules: this machine is
// never reached through a proxy, and without HTTPS_PROXY the proxy in HTTP_PROXY is used for https too.

const noPort = '(:\\d{1,5})?';
const exceptionForms = [
  /^\*$/,
  new RegExp(`^\\.?[a-z0-9_*]([a-z0-9_.*-]*[a-z0-9_*])?\\.?${noPort}$`, 'i'),
  new RegExp(`^\\[[0-9a-f:.]+\\]${noPort}$`, 'i'),
];

const proxyExpected =
  'expected the address of an HTTP proxy, such as http://proxy.example:3128 or http://user:password@proxy.example:3128';
const ProxyAddress = z.string().refine((text) => addressOf(text) !== undefined, { error: proxyExpected });

const Exceptions = z.string().superRefine((text, context) => {
  for (const word of wordsOf(text))
    if (!isException(word))
      context.addIssue(
        `"${word}" is not a host; expected hosts, .domains, addresses and networks such as 10.0.0.0/8, separated by commas, or *`,
      );
});

/** The lower-case variable takes precedence over the upper-case one. */
export const proxySettings = {
  https_proxy: ProxyAddress.optional(),
  HTTPS_PROXY: ProxyAddress.optional(),
  http_proxy: ProxyAddress.optional(),
  HTTP_PROXY: ProxyAddress.optional(),
  no_proxy: Exceptions.optional(),
  NO_PROXY: Exceptions.optional(),
};
export const ProxySettings = z.object(proxySettings);
export type ProxySettings = z.infer<typeof ProxySettings>;

export interface Proxies {
  readonly http: URL | null;
  readonly https: URL | null;
  /** The entries of NO_PROXY. */
  readonly except: readonly string[];
}

export const noProxies: Proxies = { http: null, https: null, except: [] };

/**
 * Reads the proxies from settings. Empty texts count as absent. Throws `invalid-setting` for a text that is not the
 * address of a proxy.
 */
export function proxiesOf(settings: Readonly<Partial<Record<keyof ProxySettings, string | undefined>>>): Proxies {
  const { http_proxy, HTTP_PROXY, https_proxy, HTTPS_PROXY, no_proxy, NO_PROXY } = settings;
  const http = proxyOf('HTTP_PROXY', http_proxy || HTTP_PROXY);
  const https = proxyOf('HTTPS_PROXY', https_proxy || HTTPS_PROXY);
  return { http, https: https ?? http, except: wordsOf(no_proxy || NO_PROXY || '') };
}

function proxyOf(variable: string, text: string | undefined): URL | null {
  if (text === undefined || text === '') return null;
  const proxy = addressOf(text);
  // The value may contain a password, so the message does not quote it.
  if (proxy === undefined) throw new PerennialError('invalid-setting', `${variable}: ${proxyExpected}`, { variable });
  return proxy;
}

/** Returns the proxy for an http or https address, or null if the address is reached directly. */
export function proxyFor({ http, https, except }: Proxies, url: URL): URL | null {
  const proxy = url.protocol === 'https:' ? https : url.protocol === 'http:' ? http : null;
  if (proxy === null || isThisMachine(bareHost(url.hostname)) || except.some((word) => isExcepted(word, url)))
    return null;
  return proxy;
}

/** Returns the address of a proxy for messages, without user and password. */
export function proxyName(proxy: URL): string {
  return `${proxy.protocol}//${proxy.host}`;
}

function addressOf(text: string): URL | undefined {
  // `proxy.example:3128` is a common spelling, but it would parse as an address with the protocol "proxy.example".
  const written = text.includes('://') ? text : `http://${text}`;
  if (text === '' || !URL.canParse(written)) return undefined;
  const url = new URL(written);
  const isPlain = url.pathname === '/' && url.search === '' && url.hash === '';
  return /^https?:$/.test(url.protocol) && isPlain ? url : undefined;
}

function wordsOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function isException(word: string): boolean {
  return networkOf(word) !== undefined || isIP(word) !== 0 || exceptionForms.some((form) => form.test(word));
}

function isExcepted(word: string, url: URL): boolean {
  if (word === '*') return true;
  const host = bareHost(url.hostname);
  const network = networkOf(word);
  if (network !== undefined) return isIP(host) !== 0 && network.check(host, familyOf(host));
  if (isIP(word) !== 0) return sameAddress(word, host);
  const [, named = '', port] = /^(.*?)(?::(\d+))?$/.exec(word) ?? [];
  if (port !== undefined && port !== portOf(url)) return false;
  const name = bareHost(named).replace(/^\*?\./, '');
  if (isIP(name) !== 0) return sameAddress(name, host);
  if (name.includes('*')) return globOf(name).test(host);
  return host === name || host.endsWith(`.${name}`);
}

/**
 * Returns a pattern such as `10.1.*` or `build-*.example` as a regular expression. A star matches any characters, dots
 * included.
 */
function globOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${parts.join('.*')}$`);
}

/** Returns a host in lower case, without brackets and without the trailing dot of a fully qualified name. */
function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function portOf(url: URL): string {
  return url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
}

const thisMachine = new BlockList();
thisMachine.addSubnet('127.0.0.0', 8, 'ipv4');
thisMachine.addAddress('0.0.0.0', 'ipv4');
thisMachine.addAddress('::1', 'ipv6');
thisMachine.addAddress('::', 'ipv6');

function isThisMachine(host: string): boolean {
  if (isIP(host) !== 0) return thisMachine.check(host, familyOf(host));
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Parses a network such as 10.0.0.0/8. Returns `undefined` for any other text. */
function networkOf(word: string): BlockList | undefined {
  const [, address = '', prefix] = /^\[?([0-9a-f.:]+)\]?\/(\d{1,3})$/i.exec(word) ?? [];
  const family = isIP(address);
  if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128)) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(prefix), familyOf(address));
  return network;
}

function sameAddress(address: string, host: string): boolean {
  if (isIP(host) !== isIP(address)) return false;
  const one = new BlockList();
  one.addAddress(address, familyOf(address));
  return one.check(host, familyOf(host));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
