import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const root = join(import.meta.dirname, '..', '..');

export const MachineDescription = z.object({
  processor: z.string(),
  cores: z.number(),
  memoryGib: z.number(),
  system: z.string(),
  node: z.string(),
  /** The commit that was measured; `+` after it where the checkout had changes. */
  commit: z.string(),
  /** Processes that were ready to run in the minute before. */
  loadAverage: z.number(),
});
export type MachineDescription = z.infer<typeof MachineDescription>;

export async function describeMachine(checkout = root): Promise<MachineDescription> {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    commit: await commitOfCheckout(checkout),
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** Returns the short commit of a checkout, or `unknown` outside git. */
export async function commitOfCheckout(checkout: string): Promise<string> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', checkout, ...args])).stdout.trim();
  try {
    const changed = await git('status', '--porcelain', '--untracked-files=no');
    return `${await git('rev-parse', '--short=10', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

/** Returns the installed version of an npm package. */
export async function versionOfPackage(name: string): Promise<string> {
  const text = await readFile(join(root, 'node_modules', name, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).loose().parse(JSON.parse(text)).version;
}
