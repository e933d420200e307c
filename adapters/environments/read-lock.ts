import { readFile } from 'node:fs/promises';
import { sha256OfBytes } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Sha256 } from '../../contracts/identifiers.ts';

/**
 * Returns the text of the lock. Throws `environment-failed` if it cannot be read, and `blob-corrupt` if it does not
 * have the digest that its CodeVersion names.
 */
export async function readLock(lockPath: string, digest: Sha256 | null): Promise<string> {
  const lock = await readFile(lockPath).catch((caught: unknown) => {
    throw new PerennialError(
      'environment-failed',
      'the lock that code.environment names cannot be read',
      { lockPath },
      { cause: caught },
    );
  });
  if (digest !== null && sha256OfBytes(lock) !== digest)
    throw new PerennialError(
      'blob-corrupt',
      'the lock of the training environment does not have the digest that its CodeVersion records',
      { expected: digest },
    );
  return lock.toString('utf8');
}
