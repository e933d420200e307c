import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { isNodeLock } from './node-environments.ts';
import { platformName } from './python.ts';
import type { Python } from './python.ts';
import { makeVirtualEnvironment } from './python-environments.ts';
import { lacksHashes, readLock } from './read-lock.ts';
import type { ToolRun } from './tool-step.ts';
import { runTool } from './tool-step.ts';

/** What `pip install --report` says of each package, as far as it is read here. */
const PipReport = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string().min(1), version: z.string().min(1) }),
      download_info: z.object({
        archive_info: z.object({ hashes: z.record(z.string(), z.string()) }).optional(),
      }),
    }),
  ),
});

const answerMs = 20_000;

/** Lines that say where packages come from stay: without them others would be found. */
const sourceOption = /^\s*(-i|-f|--index-url|--extra-index-url|--find-links|--no-index|--trusted-host)\b/;

export interface LockToResolve extends ToolRun {
  readonly lockPath: string;
  readonly python: Python;
}

/**
 * The lock of what pip would install for a file without hashes, here and now: every package with its version and the
 * SHA-256 of its wheel, so of this interpreter and platform. null: it has hashes, or is a lock of npm, which has its own.
 */
export async function resolveLock(cacheFolder: string, wanted: LockToResolve): Promise<string | null> {
  if (isNodeLock(wanted.lockPath)) return null;
  const text = await readLock(wanted.lockPath, null);
  if (!lacksHashes(text)) return null;
  await mkdir(cacheFolder, { recursive: true });
  const folder = await mkdtemp(join(cacheFolder, 'resolving-'));
  try {
    return await resolveIn(folder, text, wanted);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function resolveIn(folder: string, text: string, wanted: LockToResolve): Promise<string> {
  const { python, lockPath, log } = wanted;
  log.system(
    `${basename(lockPath)} has no hashes: it is resolved for ${python.interpreter} on ${platformName()}, and the result is kept`,
  );
  const pip = await pythonWithPip(folder, wanted);
  const report = join(folder, 'report.json');
  const flags = ['--dry-run', '--ignore-installed', '--only-binary', ':all:', '--no-input', '--progress-bar', 'off'];
  await runTool(wanted, {
    name: 'pip install --dry-run',
    file: pip,
    args: ['-I', '-m', 'pip', 'install', ...flags, '--disable-pip-version-check', '--report', report, '-r', lockPath],
    remedy: `see that every package that it asks for has a wheel for ${python.interpreter} on ${platformName()}, and that the package index answers`,
  });
  return lockOfReport(await readFile(report, 'utf8'), text, python.interpreter);
}

/** The worker's own where it has a pip that writes reports: nothing is installed. Else that of a virtual environment. */
async function pythonWithPip(folder: string, wanted: LockToResolve): Promise<string> {
  const { python, tools } = wanted;
  const args = ['-I', '-m', 'pip', '--version'];
  const asked = promisify(execFile)(python.executable, args, { env: tools, cwd: '/', timeout: answerMs });
  const said = await asked.then(
    ({ stdout }) => stdout,
    () => '',
  );
  const [, major = '0', minor = '0'] = /^pip (\d+)\.(\d+)/.exec(said) ?? [];
  if (Number(major) > 22 || (Number(major) === 22 && Number(minor) >= 2)) return python.executable;
  const environment = join(folder, 'environment');
  await makeVirtualEnvironment(wanted, python, environment);
  return join(environment, 'bin', 'python');
}

/** The same report gives the same text; the digest of it is the environment's identity. */
export function lockOfReport(report: string, asked: string, interpreter: string): string {
  const { install } = PipReport.parse(JSON.parse(report));
  const lines = install.map(({ metadata: { name, version }, download_info }) => {
    const sha256 = download_info.archive_info?.hashes.sha256;
    if (sha256 !== undefined) return `${normalised(name)}==${version} --hash=sha256:${sha256}`;
    throw new PerennialError(
      'environment-failed',
      `${name} ${version} comes from no archive that could be checked; name a version of a package index instead`,
      { package: name },
    );
  });
  const sources = asked.split('\n').flatMap((line) => (sourceOption.test(line) ? [line.trim()] : []));
  return [`# resolved for ${interpreter} on ${platformName()}`, ...sources, ...lines.toSorted(), ''].join('\n');
}

/** PEP 503 */
function normalised(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}
