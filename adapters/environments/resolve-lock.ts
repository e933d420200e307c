import { constants } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { parseNamedRequirement } from '../../contracts/code/requirement-grammar.ts';
import type { Requirement, RequirementsFile } from '../../contracts/code/requirements.ts';
import { requirementsText, withoutHash } from '../../contracts/code/requirements.ts';
import { systemPath } from '../sandbox/installation.ts';
import { readable } from './ask-program.ts';
import { inPassing } from './made-once.ts';
import { refuseForeignSources, withPackageIndex } from './indexes/package-index.ts';
import { platformName } from './python.ts';
import type { PipRun } from './python-environments.ts';
import { makeVirtualEnvironment, pipEnvironment, pipOptions, refuseUnsafeBuilds } from './python-environments.ts';
import { runTool } from './tool-step.ts';

/** The part of the report of `pip install --report` that is read here. */
const PipReport = z.object({
  install: z.array(
    z.object({
      metadata: z.object({ name: z.string().min(1), version: z.string().min(1) }),
      download_info: z.object({
        archive_info: z
          .object({
            hashes: z.record(z.string(), z.string()).optional(),
            /** `sha256=…`, as written by pip before 23.1. */
            hash: z.string().optional(),
          })
          .optional(),
      }),
    }),
  ),
});

const reportBytesAtMost = 256 * 2 ** 20;
/** First version of pip that writes reports. */
const oldestPip = [22, 2] as const;

/**
 * Resolves a requirements file in which some requirements lack hashes. Returns the lock of what pip would install now:
 * every package with its version and the SHA-256 of its file, for this interpreter and platform. Returns null if all
 * requirements have hashes.
 */
export async function resolveLock(run: PipRun): Promise<string | null> {
  const { requirements, sources, workFolder } = run;
  refuseForeignSources(requirements, sources);
  if (withoutHash(requirements).length === 0) return null;
  await refuseUnsafeBuilds(run);
  return inPassing(workFolder, (folder) => resolveIn(folder, run));
}

async function resolveIn(folder: string, run: PipRun): Promise<string> {
  const { python, requirements, log } = run;
  log.system(
    `${requirements.file} has no hashes, so it is resolved for ${python.interpreter} on ${platformName()}, and the result is stored as the lock`,
  );
  const workplace = {
    environment: join(folder, 'environment'),
    final: join(folder, 'environment'),
    scratch: join(folder, 'scratch'),
  };
  await Promise.all([workplace.environment, workplace.scratch].map((path) => mkdir(path)));
  const pip = await pythonWithPip(run, workplace);
  const report = join(workplace.scratch, 'report.json');
  const list = join(workplace.scratch, 'requirements.txt');
  // If one requirement had a hash, pip would require a hash of every package. The given hashes are compared with the
  // result instead.
  await writeFile(list, requirementsText(requirements.requirements.map(({ text }) => ({ text, hashes: [] }))));
  await withPackageIndex({ ...run, onProblem: log.system }, async (index) => {
    const what = ['install', '--dry-run', '--ignore-installed', '--report', report, ...pipOptions(run, index)];
    await runTool(run, {
      name: 'pip install --dry-run',
      file: pip,
      args: ['-I', '-m', 'pip', '--isolated', ...what, '-r', list],
      scratch: workplace.scratch,
      path: systemPath,
      env: pipEnvironment,
      mounts: [
        ...readable(python.folders),
        { source: workplace.environment },
        { source: workplace.scratch, writable: true },
      ],
      network: index.network,
      remedy: `check that every required package has ${run.allowBuilds ? 'a file' : 'a wheel'} for ${python.interpreter} on ${platformName()}${run.allowBuilds ? '' : ' (packages without a wheel are built if code.allowBuilds is true)'}, and that the package index answers`,
    });
  });
  return lockOfReport(await readReport(report), requirements, python.interpreter);
}

/**
 * Returns the worker's own Python if its pip can write reports, because nothing is installed. Otherwise returns the
 * Python of a new virtual environment.
 */
async function pythonWithPip(run: PipRun, workplace: { environment: string; final: string; scratch: string }) {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(run.python.pip) ?? [];
  const isNewEnough = Number(major) > oldestPip[0] || (Number(major) === oldestPip[0] && Number(minor) >= oldestPip[1]);
  if (isNewEnough) return run.python.executable;
  await makeVirtualEnvironment(run, workplace);
  return join(workplace.environment, 'bin', 'python');
}

/**
 * Reads the report with a size limit and only as a plain file: if builds are allowed, code of a package could have
 * written it.
 */
async function readReport(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (found.isFile() && found.size <= reportBytesAtMost) return await file.readFile('utf8');
  } finally {
    await file.close();
  }
  throw new PerennialError('environment-failed', "pip's report of the packages cannot be read", {});
}

/**
 * Returns the lock of a report. The same report gives the same text, because the lock's digest is the environment's
 * identity.
 */
export function lockOfReport(report: string, asked: RequirementsFile, interpreter: string): string {
  const { install } = PipReport.parse(JSON.parse(report));
  const given = new Map<string, Requirement[]>();
  for (const requirement of asked.requirements)
    given.set(requirement.name, [...(given.get(requirement.name) ?? []), requirement]);
  const lines = install.map(({ metadata: { name, version }, download_info }) => {
    const archive = download_info.archive_info;
    const sha256 = archive?.hashes?.sha256 ?? /^sha256=(.*)$/.exec(archive?.hash ?? '')?.[1];
    // The name comes from the package's own metadata and could contain more than a name.
    const pinned = parseNamedRequirement(`${name}==${version}`);
    if (pinned === undefined || sha256 === undefined || !/^[0-9a-f]{64}$/.test(sha256))
      throw new PerennialError(
        'environment-failed',
        `${name} ${version} does not come from an archive with a hash, so it cannot be checked; use a version from a package index instead`,
        { package: name },
      );
    refuseOtherHash(asked.file, given.get(pinned.name) ?? [], { version, sha256 });
    return `${pinned.name}==${version} --hash=sha256:${sha256}`;
  });
  return [`# resolved for ${interpreter} on ${platformName()}`, ...lines.toSorted(), ''].join('\n');
}

function refuseOtherHash(
  file: string,
  given: readonly Requirement[],
  { version, sha256 }: { readonly version: string; readonly sha256: string },
): void {
  const hashes = given.flatMap((requirement) => requirement.hashes);
  const [first] = given;
  if (first === undefined || hashes.length === 0 || hashes.includes(`sha256:${sha256}`)) return;
  throw new PerennialError(
    'environment-failed',
    `${file}:${first.line}: ${first.name} ${version} was found with sha256:${sha256}, which is not one of the given hashes; give the hashes of every package, or of none`,
    { package: first.name },
  );
}
