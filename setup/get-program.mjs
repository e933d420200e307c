// A program that npm does not bring: the one on PATH, else the one kept by an earlier setup, else a release's archive,
// else built from source.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadProgram, moveInto } from './download-program.mjs';
import { cachedProgramFolder, findWorkingProgram, programs, runsAs } from './find-program.mjs';
import { runProgram } from './run-program.mjs';
import { SetupProblem } from './steps.mjs';

/** Later tags of the CLI cannot be installed by `go install`: their modules replace others. */
const temporalVersion = '1.5.1';

/** Of the upstream release's archives. */
const temporalDigests = {
  linux_amd64: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  linux_arm64: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  darwin_amd64: 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  darwin_arm64: 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};

const architectures = { x64: 'amd64', arm64: 'arm64' };

/** False if it is there already, else where it came from. */
export async function getTemporal(env, progress) {
  const platform = `${process.platform}_${architectures[process.arch] ?? process.arch}`;
  const base = env.PERENNIAL_TEMPORAL_CLI_URL;
  const archive = `temporal_cli_${temporalVersion}_${platform}.tar.gz`;
  return getProgram(programs.temporal, env, progress, {
    url: `${base || `https://github.com/temporalio/cli/releases/download/v${temporalVersion}`}/${archive}`,
    // A mirror may pack the same program otherwise, and is vouched for by whoever named it.
    sha256: base ? undefined : temporalDigests[platform],
    module: `github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`,
  });
}

/** Upstream has archived MinIO and publishes no more releases of it. */
export async function getMinio(env, progress) {
  return getProgram(programs.minio, env, progress, { module: 'github.com/minio/minio@latest' });
}

async function getProgram(program, env, progress, source) {
  if ((await findWorkingProgram(program, env)) !== undefined) return false;
  if (env[program.variable])
    throw new SetupProblem(
      `${program.variable} names ${env[program.variable]}, which is not ${program.title}: correct or remove it`,
    );
  const target = join(cachedProgramFolder(env), program.file);
  const reasons = [];
  if (source.url !== undefined) {
    progress('downloading');
    const { path, failed } = await downloadProgram({
      url: source.url,
      sha256: source.sha256,
      file: program.file,
      target,
      progress,
    });
    if (path !== undefined && (await runsAs(program, path))) return 'downloaded';
    if (path !== undefined) await rm(path, { force: true });
    reasons.push(failed ?? `what ${source.url} holds does not run here`);
  }
  const failed = await build(program, source.module, target, env, progress);
  if (failed === undefined) return 'built from source';
  reasons.push(failed);
  throw new SetupProblem(
    `${program.title} is missing and could not be had (${reasons.join('; ')}): install it so that \`${program.file}\` is on the PATH, or install Go 1.25 or newer and run this again`,
  );
}

/** Undefined when it stands in its place. */
async function build(program, module, target, env, progress) {
  if ((await runProgram('go', ['version'], { env }).catch(() => undefined)) === undefined)
    return 'there is no Go to build it with';
  const folder = await mkdtemp(join(tmpdir(), 'perennial-build-'));
  try {
    progress(`go install ${module}, which takes minutes`);
    // -v names each package as it is compiled: the only progress there is.
    await runProgram('go', ['install', '-v', module], {
      env: { ...env, GOBIN: folder },
      onLine: (line) => progress(`compiling ${line}`),
    });
    await moveInto(join(folder, program.file), target);
    return (await runsAs(program, target)) ? undefined : 'what go install made does not run';
  } catch (caught) {
    return caught.message.split('\n').slice(0, 1).concat(caught.message.split('\n').slice(-2)).join(' ');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
