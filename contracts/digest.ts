// Workflows must not import this file: node:crypto does not exist in Temporal's workflow sandbox.
import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import type { Sha256 } from './identifiers.ts';

export function sha256OfBytes(bytes: Uint8Array | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Returns the digest of a JSON value's canonical form. */
export function sha256OfJson(value: unknown): Sha256 {
  return sha256OfBytes(canonicalJson(value));
}
