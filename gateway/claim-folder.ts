import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PerennialError } from '../contracts/errors.ts';

const sqliteBusy = 5;

/**
 * One gateway a folder: two would share an id and upload each other's rows. A lock of the operating system, which SQLite
 * knows how to take, so it goes with the process however that ends. Answers how to let go; `conflict` if it is taken.
 */
export function claimFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(join(folder, 'gateway.lock'));
  try {
    // A journal on disk would need space, and there is nothing to roll back.
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (caught) {
    lock.close();
    if (!(caught instanceof Error && 'errcode' in caught && caught.errcode === sqliteBusy)) throw caught;
    throw new PerennialError(
      'conflict',
      `another gateway keeps its state in ${folder}; stop it, or give this one a PERENNIAL_HOME of its own`,
      { folder },
    );
  }
  return () => lock.close();
}
