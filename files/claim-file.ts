import { DatabaseSync } from 'node:sqlite';

const sqliteBusy = 5;

/**
 * Claims a file, and whatever the file represents, for this process. The claim is an operating-system lock that SQLite
 * holds, so it ends with the process, even after a crash. Returns the function that ends the claim, or `undefined` if
 * another process holds it.
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
