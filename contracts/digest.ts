// Not for workflows: node:crypto does not exist in their sandbox. They carry digests and make none.
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import type { Sha256 } from './identifiers.ts';

export function sha256OfBytes(bytes: Uint8Array | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The digest of a JSON value, through its canonical form. */
export function sha256OfJson(value: unknown): Sha256 {
  return sha256OfBytes(canonicalJson(value));
}
