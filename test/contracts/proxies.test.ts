import { describe, expect, test } from 'vitest';
import { ProxySettings, proxiesOf, proxyFor, proxyName } from '../../contracts/settings/proxies.ts';
import { parseSettings } from '../../contracts/settings/settings.ts';

const proxy = 'http://proxy.example:3128';

function wayTo(url: string, variables: Record<string, string>): string {
  return proxyFor(proxiesOf(variables), new URL(url))?.host ?? 'direct';
}

test.each([
  ['http://files.example/a.csv', { HTTP_PROXY: proxy }, 'proxy.example:3128'],
  ['https://files.example/a.csv', { HTTP_PROXY: proxy }, 'proxy.example:3128'],
  ['https://files.example/a.csv', { HTTP_PROXY: proxy, HTTPS_PROXY: 'http://secure.example' }, 'secure.example'],
  ['http://files.example/a.csv', { HTTPS_PROXY: proxy }, 'direct'],
  ['http://files.example/a.csv', { HTTP_PROXY: proxy, http_proxy: 'http://small.example:1' }, 'small.example:1'],
  ['http://files.example/a.csv', { HTTP_PROXY: 'proxy.example:3128' }, 'proxy.example:3128'],
  ['http://files.example/a.csv', { HTTP_PROXY: '' }, 'direct'],
  ['http://files.example/a.csv', {}, 'direct'],
])('%s with %j goes through %s', (url, variables, way) => {
  expect(wayTo(url, variables)).toBe(way);
});

test.each([
  'http://localhost:7400/',
  'http://LOCALHOST./',
  'http://api.localhost/',
  'http://127.0.0.1:7400/',
  'http://127.9.9.9/',
  'http://2130706433/',
  'http://0.0.0.0/',
  'http://[::1]:7400/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
])('%s is this machine, for which no proxy is used', (url) => {
  expect(wayTo(url, { HTTP_PROXY: proxy })).toBe('direct');
});

describe.each([
  ['*', ['http://files.example/'], []],
  ['files.example', ['http://files.example/', 'http://a.files.example/'], ['http://myfiles.example/']],
  ['.example', ['http://files.example/'], ['http://files.example.org/']],
  ['*.example', ['http://files.example/'], ['http://files.example.org/']],
  ['FILES.example.', ['http://files.example/'], []],
  ['files.example:8080', ['http://files.example:8080/'], ['http://files.example/']],
  ['files.example:443', ['https://files.example/'], ['http://files.example/']],
  ['10.1.*', ['http://10.1.2.3/'], ['http://10.2.2.3/']],
  ['build-*.example', ['http://build-7.example/'], ['http://files.example/']],
  ['10.0.0.0/8', ['http://10.1.2.3/'], ['http://11.1.2.3/', 'http://files.example/']],
  ['10.1.2.3', ['http://10.1.2.3:9000/'], ['http://10.1.2.30/']],
  ['10.1.2.3:9000', ['http://10.1.2.3:9000/'], ['http://10.1.2.3/']],
  ['fd00::/8', ['http://[fd00::1]/'], ['http://[fe80::1]/']],
  ['[fd00::1]:9000', ['http://[fd00::1]:9000/'], ['http://[fd00::1]/']],
  ['a.example, files.example\tb.example', ['http://files.example/'], ['http://c.example/']],
])('NO_PROXY=%s', (words, excepted, others) => {
  test('names the hosts that are reached directly, and no others', () => {
    for (const url of excepted) expect(wayTo(url, { HTTP_PROXY: proxy, NO_PROXY: words }), url).toBe('direct');
    for (const url of others)
      expect(wayTo(url, { HTTP_PROXY: proxy, NO_PROXY: words }), url).toBe('proxy.example:3128');
  });
});

test.each([
  ['HTTP_PROXY', 'socks5://user:secret@proxy.example:1080', 'HTTP_PROXY: expected the address of an HTTP proxy'],
  ['HTTPS_PROXY', 'http://proxy.example:99999', 'HTTPS_PROXY: expected'],
  ['http_proxy', 'http://user:secret@proxy.example/path', 'http_proxy: expected'],
  ['NO_PROXY', 'files.example,http://b.example', 'NO_PROXY: "http://b.example" is not a host'],
  ['NO_PROXY', '10.0.0.0/99', 'NO_PROXY: "10.0.0.0/99" is not a host'],
])('%s=%s is refused by name, without its password', (variable, value, message) => {
  const parse = () => parseSettings(ProxySettings, { [variable]: value });
  expect(parse).toThrow(
    expect.objectContaining({ code: 'invalid-setting', message: expect.stringContaining(message) }),
  );
  expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
});

test('a message names a proxy without its user and password', () => {
  expect(proxyName(new URL('http://user:secret@proxy.example:3128'))).toBe('http://proxy.example:3128');
});
