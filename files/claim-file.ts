import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;

/**
 * Claims a file for this process, and with it what the file stands for. The claim is a lock of the operating system, taken
 * by SQLite, so it ends with the process however that ends. Returns the function that ends it; undefined if another
 * process holds the claim.
 */
export function claimFile(path: string): (() => void) | undefined {
  const lock = new DatabaseSync(path);
  try {
    // A journal on disk would need space, and there is nothing to roll back.
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (caught) {
    lock.close();
    if (caught instanceof Error && 'errcode' in caught && caught.errcode === sqliteBusy) return undefined;
    throw caught;
  }
  return () => lock.close();
}
