import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';

const sources = dirname(import.meta.dirname);

/**
 * What Node has compiled of a process's sources, which is half of what its start costs. Processes only read it: one that
 * strangers' bytes took over could otherwise leave code there for the next. It is written once, by a process that is
 * given nothing.
 */
export interface CompiledCode {
  readonly folder: string;
  /** Runs `compile`, which is to fill the folder, unless it was filled for these sources. */
  fill(compile: () => Promise<void>): Promise<void>;
}

/** Beside what this process itself has compiled, so that not each scratch folder begins anew; else in that. */
export function compiledCode(scratchFolder: string): CompiledCode {
  const own = getCompileCacheDir();
  const folder = join(own === undefined ? scratchFolder : dirname(own), 'table-engine');
  const filledFor = `${folder}.sources`;
  return {
    folder,
    async fill(compile) {
      const state = await stateOfSources();
      if ((await readFile(filledFor, 'utf8').catch(() => '')) === state) return;
      await compile();
      await mkdir(dirname(filledFor), { recursive: true });
      await writeFile(filledFor, state);
    },
  };
}

async function stateOfSources(): Promise<string> {
  const names = (await readdir(sources, { recursive: true })).toSorted();
  const times = await Promise.all(names.map(async (name) => (await stat(join(sources, name))).mtimeMs));
  return JSON.stringify([process.version, process.execPath, Math.max(...times), names]);
}
