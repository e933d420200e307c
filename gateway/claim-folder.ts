import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PerennialError } from '../contracts/errors.ts';
import { claimFile } from '../files/claim-file.ts';

/**
 * Claims a state folder for one gateway; two gateways on one folder would share an id and upload each other's rows.
 * Returns the function that ends the claim. Throws `conflict` if another gateway holds the claim.
 */
export function claimFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const release = claimFile(join(folder, 'gateway.lock'));
  if (release !== undefined) return release;
  throw new PerennialError(
    'conflict',
    `another gateway keeps its state in ${folder}; stop that gateway, or set another PERENNIAL_HOME for this one`,
    { folder },
  );
}
