import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Node's compile cache for the sources of a waiting program, which saves half of its start time. The program's
 * processes can only read it: a process that malicious data took over could otherwise leave code there for the next
 * one. It is written once, by a process that receives no data.
 */
export interface CompiledCode {
  readonly folder: string;
  /** Runs `compile`, which must fill the folder, unless the folder was already filled for the current sources. */
  fill(compile: () => Promise<void>): Promise<void>;
}

/**
 * Returns the compile cache of a program. The cache is stored beside this process's own one, so that a new scratch
 * folder does not start with an empty cache. If this process has none, the cache is stored in the scratch folder.
 *
 * @param sources folder of the program's sources.
 */
export function compiledCode(name: string, sources: string, scratchFolder: string): CompiledCode {
  const own = getCompileCacheDir();
  const folder = join(own === undefined ? scratchFolder : dirname(own), name);
  const filledFor = `${folder}.sources`;
  return {
    folder,
    async fill(compile) {
      const state = await stateOfSources(sources);
      if ((await readFile(filledFor, 'utf8').catch(() => '')) === state) return;
      await compile();
      await mkdir(dirname(filledFor), { recursive: true });
      await writeFile(filledFor, state);
    },
  };
}

async function stateOfSources(sources: string): Promise<string> {
  const names = (await readdir(sources, { recursive: true })).toSorted();
  const times = await Promise.all(names.map(async (name) => (await stat(join(sources, name))).mtimeMs));
  return JSON.stringify([process.version, process.execPath, Math.max(...times), names]);
}
