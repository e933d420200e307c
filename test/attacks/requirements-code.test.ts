import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDiskObjectStore } from '../../adapters/object-store/disk.ts';
import { createLocalTrainer } from '../../adapters/trainers/local/local-trainer.ts';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { layTestSandbox } from '../support/lay-sandbox.ts';
import { localParts } from '../support/local-parts.ts';
import type { IndexedFile, TestIndex } from '../support/stand-in-package-index.ts';
import { startPackageIndex, tarball, wheel } from '../support/stand-in-package-index.ts';
import { trainingJobOf } from '../support/training-jobs.ts';
import type { InstallingGround } from './installing-ground.ts';
import { layInstallingGround, refusalOf, secret } from './installing-ground.ts';

// Packages with code that runs when they are installed or built, or when their environment's Python starts.

/** Returns a build backend that first tries to escape and then builds the wheel without other packages. */
function backendOf(escape: string): string {
  return `
import base64, os, zipfile
try:
    ${escape}
except OSError:
    pass
assert "SECRET" not in os.environ

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info = "builds-1.0.dist-info/"
    files = {
        "builds.py": open("builds.py").read(),
        info + "METADATA": "Metadata-Version: 2.1\\nName: builds\\nVersion: 1.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    record = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
    name = "builds-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in {**files, info + "RECORD": record}.items():
            wheel.writestr(path, text)
    return name
`;
}

let ground: InstallingGround;
let index: TestIndex;
let files: Record<'pth' | 'sdist' | 'good', IndexedFile>;

beforeAll(async () => {
  const served: IndexedFile[] = [];
  index = await startPackageIndex(served);
  ground = await layInstallingGround({ indexUrl: index.url });
  files = {
    pth: wheel('starts', '1.0', { 'starts.pth': `${ground.escape}\n`, 'starts.py': '' }),
    sdist: await tarball('builds-1.0.tar.gz', {
      'builds-1.0/setup.py': `${ground.escape}\n`,
      'builds-1.0/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
      'builds-1.0/backend.py': backendOf(ground.escape),
      'builds-1.0/builds.py': 'word = "built here"\n',
      'builds-1.0/PKG-INFO': 'Metadata-Version: 2.1\nName: builds\nVersion: 1.0\n',
    }),
    good: wheel('greeting', '1.0', { 'greeting.py': 'word = "hello"\n' }),
  };
  served.push(...Object.values(files));
});
afterAll(async () => {
  index.close();
  await ground.remove();
});

function locked(file: IndexedFile): string {
  const [name, version] = file.filename.replace('.tar.gz', '').split('-');
  return `${name}==${version} --hash=sha256:${sha256OfBytes(file.bytes)}\n`;
}

/** Runs a training in the environment of this lock. */
async function trainWith(lock: string): Promise<void> {
  const { sandbox, remove } = await layTestSandbox('bubblewrap');
  const store = createDiskObjectStore(join(ground.folder, 'blobs'));
  const { environments } = ground;
  const trainer = createLocalTrainer({ ...localParts(ground.folder, store, sandbox), environments });
  const script = 'import os, starts\nopen(os.environ["PERENNIAL_OUTPUT"] + "/model.onnx", "w").write("model")\n';
  const job = await trainingJobOf(store, { 'train.py': script, 'requirements.txt': lock });
  const environment = { path: 'requirements.txt', lock: sha256OfBytes(lock) };
  await trainer.train(
    { ...job, command: ['python', 'train.py'], code: { ...job.code, environment } },
    { onLog: () => undefined, onProgress: () => undefined, signal: new AbortController().signal },
  );
  await remove();
}

test('a wheel with a .pth file runs nothing as the worker, however often its environment is used', async () => {
  const made = await ground.materialise({ 'requirements.txt': locked(files.pth) });
  expect(await ground.materialise({ 'requirements.txt': locked(files.pth) })).toEqual(made);
  await trainWith(locked(files.pth));
  expect(await ground.hasEscaped()).toBe(false);
  // Proves that the file is present and effective: outside the sandbox, it creates the marker.
  execFileSync(join(made.binFolder!, 'python'), ['-c', ''], { env: { SECRET: secret } });
  expect(await readFile(ground.marker, 'utf8')).toBe(secret);
});

test('a package without a wheel is refused, and its setup.py does not run', async () => {
  const refusal = await refusalOf(ground.resolve('builds\n'));
  expect(refusal.code).toBe('environment-failed');
  expect(refusal.message).toMatch(/wheel.*code\.allowBuilds/s);
});

test('if builds are allowed, setup.py runs in the sandbox and sees neither folders nor secrets of the worker', async () => {
  const at = await layInstallingGround({ indexUrl: index.url });
  try {
    const text = await at.resolve('builds\n', true);
    expect(text).toContain(locked(files.sdist).trim());
    const made = await at.materialise({ 'requirements.txt': locked(files.sdist) }, 'requirements.txt', true);
    expect(await at.hasEscaped()).toBe(false);
    expect(
      execFileSync(join(made.binFolder!, 'python'), ['-c', 'import builds; print(builds.word)'], { encoding: 'utf8' }),
    ).toBe('built here\n');
    // With and without builds, the same lock makes two different environments.
    const before = await at.made();
    const refusal = await refusalOf(at.materialise({ 'requirements.txt': locked(files.sdist) }));
    expect(refusal.message).toMatch(/wheel.*code\.allowBuilds/s);
    expect(await at.made()).toEqual(before);
  } finally {
    await at.remove();
  }
});

test('builds are refused without a sandbox', async () => {
  const at = await layInstallingGround({ indexUrl: index.url }, { kind: 'process-group' });
  try {
    const refusal = await refusalOf(
      at.materialise({ 'requirements.txt': locked(files.sdist) }, 'requirements.txt', true),
    );
    expect(refusal.message).toMatch(/allowBuilds.*install bubblewrap/);
    expect((await refusalOf(at.resolve('builds\n', true))).message).toMatch(/install bubblewrap/);
    expect(await at.hasEscaped()).toBe(false);
  } finally {
    await at.remove();
  }
});
