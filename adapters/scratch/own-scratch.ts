import { reasonOf } from '../../contracts/errors.ts';
import type { Logger } from '../../ports/logger.ts';
import type { IdentityOf } from './claimed-scratch.ts';
import { claimScratch, createScratch } from './claimed-scratch.ts';

/**
 * Creates a scratch folder for a starting process. Folders left behind by killed processes of this machine are removed
 * first; a folder that cannot be removed is only logged.
 */
export async function ownScratch(home: string, role: string, identityOf: IdentityOf, logger: Logger): Promise<string> {
  const scratch = createScratch(home, identityOf);
  for (const { name, why } of await scratch.stale()) {
    try {
      await scratch.remove(name);
      logger.info({ folder: name, why }, 'a stale scratch folder was removed');
    } catch (caught) {
      logger.warn({ folder: name, reason: reasonOf(caught) }, 'a stale scratch folder cannot be removed');
    }
  }
  return claimScratch(home, role, identityOf);
}
