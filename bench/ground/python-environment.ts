import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { reasonOf } from '../../contracts/errors.ts';
import { Absent, type BenchContext } from '../running/bench-context.ts';
import { runToEnd } from '../running/start-program.ts';

const repository = join(import.meta.dirname, '..', '..');
const Prepared = z.object({ binFolder: z.string() });

/**
 * Returns the Python of an environment with exactly the packages of a lock file with hashes. The environment is built
 * as a worker builds one and is kept in the same cache. Throws `Absent` where it cannot be built.
 */
export async function pythonWith(bench: Pick<BenchContext, 'signal' | 'say'>, lock: string): Promise<string> {
  await promisify(execFile)('python3', ['--version']).catch(() => {
    throw new Absent('Python is not installed: install Python 3.10 or newer with venv');
  });
  bench.say(`  Python with the packages of ${lock} (the first time takes minutes)`);
  const prepare = join(repository, 'stack', 'prepare-environment.ts');
  try {
    const said = await runToEnd(bench, process.execPath, [prepare, lock]);
    const { binFolder } = Prepared.parse(JSON.parse(said.trimEnd().split('\n').at(-1) ?? ''));
    return join(binFolder, 'python');
  } catch (caught) {
    bench.signal.throwIfAborted();
    throw new Absent(`the packages of ${lock} cannot be installed: ${reasonOf(caught)}`);
  }
}
