import { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { PerennialError } from '../contracts/errors.ts';
import { type StateFolder, readStateFile } from './state-folder.ts';

const Holder = z.object({ pid: z.number(), api: z.string() }).loose();

/** Another stack, which may be starting or stopping, has the claim. */
export class HomeIsHeld extends PerennialError {
  constructor(sentence: string, home: string) {
    super('conflict', sentence, { home });
  }
}

/**
 * One stack a home. The claim is a lock of the operating system on a file, which SQLite knows how to take: it goes with
 * the process however that ends, so there is never a stale one to reason about.
 */
export function claimHome(folder: StateFolder): () => void {
  const database = new DatabaseSync(folder.lock);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (caught) {
    database.close();
    if (!(caught instanceof Error && 'errcode' in caught && caught.errcode === sqliteBusy)) throw caught;
    const holder = readStateFile(folder.stackFile, Holder);
    const who = holder === undefined ? '' : ` (process ${holder.pid}, API at ${holder.api})`;
    throw new HomeIsHeld(
      `a stack runs in ${folder.home} already${who}; stop it with perennial down, or name another folder in PERENNIAL_HOME`,
      folder.home,
    );
  }
  return () => database.close();
}

const sqliteBusy = 5;
