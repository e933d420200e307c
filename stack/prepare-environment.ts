import { readFile, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createEnvironments } from '../adapters/environments/environments.ts';
import { createLogger } from '../adapters/logger/pino.ts';
import { createConfiguredSandbox } from '../adapters/sandbox/configured-sandbox.ts';
import { ownScratch } from '../adapters/scratch/own-scratch.ts';
import { sha256OfBytes } from '../contracts/digest.ts';
import { reasonOf } from '../contracts/errors.ts';
import { PackageSettings, parseSettings, pipIndexesOf, SandboxSettings } from '../contracts/settings/settings.ts';
import { cachedProgramFolder } from '../setup/find-program.mjs';
import { identityOf } from './processes/process-identity.ts';
import { sandboxPrograms } from './sandbox-programs.ts';

// Run by setup as `node stack/prepare-environment.ts LOCK`: builds the environment that the stack's worker will need,
// and prints where its programs are.

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const lock = resolve(process.argv[2] ?? '');
  const cacheFolder = resolve(process.env.PERENNIAL_CACHE || dirname(cachedProgramFolder(process.env)));
  const digest = sha256OfBytes(await readFile(lock));
  const workFolder = await ownScratch(
    cacheFolder,
    'setup',
    identityOf,
    createLogger({ name: 'setup', level: 'silent' }),
  );
  const settings = parseSettings(SandboxSettings, { ...process.env, ...sandboxPrograms(process.env) });
  const sandbox = createConfiguredSandbox(settings, cacheFolder, process.env.PATH, workFolder);
  const pip = pipIndexesOf(parseSettings(PackageSettings, process.env));
  const environments = createEnvironments({ cacheFolder, workFolder, environment: process.env, sandbox, pip });
  try {
    const { binFolder } = await environments.materialise(lock, digest, {
      allowBuilds: false,
      onLog: ({ line }) => process.stderr.write(`${line}\n`),
      signal: stop.signal,
    });
    process.stdout.write(`${JSON.stringify({ binFolder })}\n`);
  } finally {
    await rm(workFolder, { recursive: true, force: true });
  }
} catch (caught) {
  process.stderr.write(`${reasonOf(caught)}\n`);
  process.exitCode = 1;
}
