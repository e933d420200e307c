import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEnvironments } from '../../../adapters/environments/environments.ts';
import { createDiskObjectStore } from '../../../adapters/object-store/disk.ts';
import { createLocalTrainer } from '../../../adapters/trainers/local/local-trainer.ts';
import { sha256OfBytes } from '../../../contracts/digest.ts';
import type { ToolLimits } from '../../../adapters/environments/tool-step.ts';
import type { EnvironmentCall, Environments, TrainingEnvironment } from '../../../ports/environments.ts';
import { layTestSandbox } from '../../support/lay-sandbox.ts';
import { localParts } from '../../support/local-parts.ts';
import { trainingJobOf } from '../../support/training-jobs.ts';
import { failureOf } from '../trainers/training-ground.ts';

// Uses a wheel made here and a folder as the package index, so that the real pip runs without a network.
const makeWheel = `
import sys, zipfile
info = "greeting-1.0.dist-info/"
files = {
    "greeting.py": "def main():\\n    print('hello from the wheel')\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: greeting\\nVersion: 1.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    info + "entry_points.txt": "[console_scripts]\\ngreet = greeting:main\\n",
}
record = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in {**files, info + "RECORD": record}.items():
        wheel.writestr(name, text)
`;

let folder: string;
let lock: string;
let environments: Environments;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-environments-'));
  const wheels = join(folder, 'wheels');
  await mkdir(wheels);
  const wheel = join(wheels, 'greeting-1.0-py3-none-any.whl');
  execFileSync('python3', ['-c', makeWheel, wheel]);
  lock = `greeting==1.0 --hash=sha256:${sha256OfBytes(await readFile(wheel))}\n`;
  environments = environmentsIn(join(folder, 'cache'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const { sandbox, remove } = await layTestSandbox('bubblewrap');
afterAll(remove);

function environmentsIn(
  cacheFolder: string,
  changes: Readonly<Record<string, string>> = {},
  limits?: ToolLimits,
): Environments {
  const environment = { ...process.env, ...changes, PIP_NO_INDEX: '1', PIP_FIND_LINKS: join(folder, 'wheels') };
  return createEnvironments({
    cacheFolder,
    workFolder: join(cacheFolder, 'work'),
    environment,
    sandbox,
    ...(limits && { limits }),
  });
}

function quiet(): EnvironmentCall {
  return { allowBuilds: false, onLog: () => undefined, signal: new AbortController().signal };
}

async function materialise(
  text: string,
  by = environments,
  signal = new AbortController().signal,
): Promise<{ made: TrainingEnvironment; lines: string[] }> {
  const path = join(await mkdtemp(join(folder, 'lock-')), 'requirements.lock');
  await writeFile(path, text);
  const lines: string[] = [];
  const made = await by.materialise(path, sha256OfBytes(text), {
    allowBuilds: false,
    onLog: ({ line }) => lines.push(line),
    signal,
  });
  return { made, lines };
}

test('a file without hashes is resolved to a lock, which is installed unchanged', async () => {
  const path = join(await mkdtemp(join(folder, 'asked-')), 'requirements.txt');
  await writeFile(path, 'greeting\n');
  const resolved = await environments.resolveLock(path, quiet());
  expect(resolved?.split('\n').slice(1).join('\n')).toBe(lock);
  await writeFile(path, lock);
  expect(await environments.resolveLock(path, quiet())).toBeNull();
  await writeFile(path, 'nothing-of-that-name\n');
  const failure = await failureOf(environments.resolveLock(path, quiet()));
  expect(failure.code).toBe('environment-failed');
  expect(failure.message).toMatch(/pip install --dry-run ended/);
});

test('an environment is made once per lock, and its programs run', async () => {
  const first = await materialise(lock);
  expect(first.lines.join('\n')).toMatch(/Successfully installed greeting-1\.0|\+ greeting==1\.0/);
  expect(first.made.interpreter).toMatch(/^CPython 3\.\d+\.\d+/);
  expect(first.made.platform).toMatch(/^(linux|darwin)-(x86_64|aarch64|arm64)$/);
  const before = await stat(first.made.binFolder!);
  const again = await materialise(lock, environmentsIn(join(folder, 'cache')));
  expect(again.made).toEqual(first.made);
  expect(again.lines).toEqual([]);
  expect((await stat(again.made.binFolder!)).ino).toBe(before.ino);
  // The shebang line names the environment's final path, not the one where it was made.
  expect(execFileSync(join(first.made.binFolder!, 'greet'), { encoding: 'utf8' })).toBe('hello from the wheel\n');
  expect(
    execFileSync(join(first.made.binFolder!, 'python'), ['-c', 'import greeting; greeting.main()'], {
      encoding: 'utf8',
    }),
  ).toBe('hello from the wheel\n');
});

test('if uv fails halfway, pip makes the environment without anything that uv left', async () => {
  const programs = await mkdtemp(join(folder, 'programs-'));
  const uv = `#!/bin/sh
while [ "$#" -gt 0 ]; do [ "$1" = --python ] && python=$2; shift; done
for site in "\${python%/bin/python}"/lib/python3*/site-packages; do
  echo 'import sys; sys.stderr.write("left by uv")' > "$site/left.pth" && echo "wrote into $site"
done
exit 2
`;
  await writeFile(join(programs, 'uv'), uv, { mode: 0o755 });
  const cache = await mkdtemp(join(folder, 'uv-'));
  const { made, lines } = await materialise(
    lock,
    environmentsIn(cache, { PATH: `${programs}:${process.env.PATH ?? ''}` }),
  );
  expect(lines.join('\n')).toMatch(
    /wrote into .*site-packages\n.*uv could not install the lock, so pip installs it: .*uv pip install ended with code 2/s,
  );
  const files = await readdir(dirname(made.binFolder!), { recursive: true });
  expect(files.some((file) => file.endsWith('greeting.py'))).toBe(true);
  expect(files.filter((file) => file.endsWith('left.pth'))).toEqual([]);
});

test("a training runs in the environment of its job's lock", async () => {
  const store = createDiskObjectStore(join(folder, 'blobs'));
  const script =
    'import os, greeting\ngreeting.main()\nopen(os.environ["PERENNIAL_OUTPUT"] + "/model.onnx", "w").write("model")\n';
  const job = await trainingJobOf(store, { 'train.py': script, 'requirements.lock': lock });
  const environment = { path: 'requirements.lock', lock: sha256OfBytes(lock) };
  const lines: string[] = [];
  const trainer = createLocalTrainer({ ...localParts(folder, store, sandbox), environments });
  await trainer.train(
    { ...job, command: ['python', 'train.py'], code: { ...job.code, environment } },
    {
      onLog: ({ line }) => lines.push(line),
      onProgress: () => undefined,
      signal: new AbortController().signal,
    },
  );
  expect(lines).toContain('hello from the wheel');
});

test('two concurrent installations of the same environment both succeed, and leave nothing else', async () => {
  const cache = await mkdtemp(join(folder, 'two-'));
  const both = await Promise.all([materialise(lock, environmentsIn(cache)), materialise(lock, environmentsIn(cache))]);
  expect(both[0].made).toEqual(both[1].made);
  expect(await readdir(join(cache, 'environments'))).toHaveLength(1);
});

test('a lock with a wrong hash of a package makes no environment', async () => {
  const cache = await mkdtemp(join(folder, 'wrong-'));
  const failure = await failureOf(
    materialise(lock.replace(/sha256:.*/, `sha256:${'0'.repeat(64)}`), environmentsIn(cache)),
  );
  expect(failure.code).toBe('environment-failed');
  expect(failure.message).toMatch(/pip install ended with code 1.*Way out/s);
  expect(String(failure.fields.lastLines)).toContain('THESE PACKAGES DO NOT MATCH THE HASHES');
  expect(await readdir(join(cache, 'environments'))).toEqual([]);
});

test('a lock without hashes is refused before anything is made, and the error says how to make hashes', async () => {
  const failure = await failureOf(materialise('greeting==1.0\n'));
  expect(failure.code).toBe('environment-failed');
  expect(failure.message).toContain('--generate-hashes');
});

test('a lock that differs from the one of its CodeVersion is refused', async () => {
  const path = join(folder, 'altered.lock');
  await writeFile(path, lock);
  const failure = await failureOf(environments.materialise(path, sha256OfBytes('another'), quiet()));
  expect(failure.code).toBe('blob-corrupt');
});

test('a cancelled installation leaves nothing that looks complete', async () => {
  const cache = await mkdtemp(join(folder, 'cancelled-'));
  const stop = new AbortController();
  const by = environmentsIn(cache);
  const path = join(folder, 'cancelled.lock');
  await writeFile(path, lock);
  const failure = await failureOf(
    by.materialise(path, null, { allowBuilds: false, onLog: () => stop.abort(), signal: stop.signal }),
  );
  expect(failure.code).toBe('cancelled');
  for (const name of ['environments', 'work']) expect(await readdir(join(cache, name))).toEqual([]);
});

test('an installation that waits for a silent index ends within 5 s of its cancellation', async () => {
  const asked = Promise.withResolvers<void>();
  const silent = createServer(() => asked.resolve()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const indexUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/simple`;
  const cacheFolder = await mkdtemp(join(folder, 'silent-'));
  const by = createEnvironments({
    cacheFolder,
    workFolder: join(cacheFolder, 'work'),
    environment: process.env,
    sandbox,
    pip: { indexUrl, extraIndexUrls: [] },
  });
  const path = join(folder, 'silent.txt');
  await writeFile(path, 'greeting\n');
  const stop = new AbortController();
  const resolving = failureOf(by.resolveLock(path, { ...quiet(), signal: stop.signal }));
  await asked.promise;
  const before = performance.now();
  stop.abort();
  expect((await resolving).code).toBe('cancelled');
  expect(performance.now() - before).toBeLessThan(5000);
  expect(await readdir(join(cacheFolder, 'work'))).toEqual([]);
  silent.closeAllConnections();
  silent.close();
});

test.each([
  ['PERENNIAL_INSTALL_MEMORY', { memoryBytes: 8 * 2 ** 20 }],
  ['PERENNIAL_INSTALL_DISK', { diskBytes: 2 ** 20 }],
  ['PERENNIAL_INSTALL_TIMEOUT', { timeoutMs: 300 }],
])('an installation that reaches its limit is final, and names %s', async (setting, limit) => {
  const limits = { timeoutMs: 60_000, diskBytes: 2 ** 30, ...limit };
  const failure = await failureOf(
    materialise(lock, environmentsIn(await mkdtemp(join(folder, 'limited-')), {}, limits)),
  );
  expect(failure).toMatchObject({ code: 'environment-failed', retryable: false });
  expect(failure.message).toContain(setting);
});

test('without a lock the interpreter is the one on the PATH, or none without Python', async () => {
  const found = await environments.materialise(null, null, quiet());
  expect(found.interpreter).toMatch(/^CPython 3\./);
  const bare = createEnvironments({
    cacheFolder: folder,
    workFolder: folder,
    environment: { PATH: join(folder, 'wheels') },
    sandbox,
  });
  expect(await bare.materialise(null, null, quiet())).toMatchObject({
    binFolder: null,
    interpreter: 'none',
  });
  const failure = await failureOf(materialise(lock, bare));
  expect(failure.code).toBe('environment-failed');
  expect(failure.message).toContain('Python');
});
