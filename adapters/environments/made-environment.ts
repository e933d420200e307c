import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { madeOnce } from './made-once.ts';
import { platformName } from './python.ts';

/** The record lies beside the environment and not in it, because packages can write there. */
const recordName = 'environment.json';
const Record = z.object({ schemaVersion: z.literal(1), interpreter: z.string(), program: z.string() });

export interface WantedEnvironment {
  readonly cacheFolder: string;
  readonly workFolder: string;
  readonly lock: string;
  readonly interpreter: string;
  /** The path of the interpreter. If the file is gone, the environment is made again. */
  readonly program: string;
  readonly allowBuilds: boolean;
}

/** Folders in which one environment is being made. */
export interface EnvironmentWorkplace {
  /** Folder that becomes the environment. The folder `scratch` is removed. */
  readonly environment: string;
  /** Path that `environment` has when it is complete. */
  readonly final: string;
  readonly scratch: string;
}

/** Returns the folder of an environment. It is made once per lock, interpreter, platform and `allowBuilds`. */
export async function madeEnvironment(
  wanted: WantedEnvironment,
  make: (workplace: EnvironmentWorkplace) => Promise<void>,
): Promise<string> {
  const { cacheFolder, workFolder, lock, interpreter, program, allowBuilds } = wanted;
  const layout = 'environment.json beside environment';
  const parts = [layout, sha256OfBytes(lock), interpreter, platformName(), ...(allowBuilds ? ['builds'] : [])];
  const key = sha256OfBytes(parts.join('\n')).slice(0, 32);
  const folder = await madeOnce(join(cacheFolder, 'environments', key), workFolder, {
    // The record is read instead of starting a program of the environment, because packages could have put code into
    // it.
    isUsable: async (made) => {
      const record = await recordOf(made);
      return record?.interpreter === interpreter && (await stat(record.program).catch(() => null)) !== null;
    },
    make: async (making, final) => {
      const scratch = join(making, 'scratch');
      await make({ environment: join(making, 'environment'), final: join(final, 'environment'), scratch });
      await rm(scratch, { recursive: true, force: true });
      const record: z.infer<typeof Record> = { schemaVersion: 1, interpreter, program };
      await writeFile(join(making, recordName), `${JSON.stringify(record)}\n`);
    },
  });
  return join(folder, 'environment');
}

async function recordOf(folder: string): Promise<z.infer<typeof Record> | null> {
  const text = await readFile(join(folder, recordName), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return Record.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
