import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createConfiguredSandbox } from '../adapters/sandbox/configured.ts';
import { createProcessTrainer } from '../adapters/trainer/process.ts';
import { sha256OfBytes } from '../contracts/digest.ts';
import { reasonOf } from '../contracts/errors.ts';
import { parseSettings, SandboxSettings } from '../contracts/settings.ts';
import { cachedProgramFolder } from '../setup/find-program.mjs';

// Run by setup, `node stack/prepare-environment.ts LOCK`: makes the very environment that the stack's worker will want,
// and prints where its programs are.

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const lock = resolve(process.argv[2] ?? '');
  const cacheFolder = resolve(process.env.PERENNIAL_CACHE || dirname(cachedProgramFolder(process.env)));
  const digest = sha256OfBytes(await readFile(lock));
  const sandbox = createConfiguredSandbox(parseSettings(SandboxSettings, process.env), cacheFolder, process.env.PATH);
  const trainer = createProcessTrainer({ cacheFolder, environment: process.env, sandbox });
  const { binFolder } = await trainer.materialise(
    lock,
    digest,
    ({ line }) => process.stderr.write(`${line}\n`),
    stop.signal,
  );
  process.stdout.write(`${JSON.stringify({ binFolder })}\n`);
} catch (caught) {
  process.stderr.write(`${reasonOf(caught)}\n`);
  process.exitCode = 1;
}
