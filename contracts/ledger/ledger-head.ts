import { z } from 'zod';
import { canonicalJson } from '../canonical.ts';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import { ChainPoint, ChainProblem } from './ledger-chain.ts';

/**
 * The last entry of a model's chain at an instant. It is signed with the platform's key and copied to the object store,
 * so that write access to the database alone is not enough to truncate or rewrite the chain undetected.
 */
export const LedgerHead = z.object({
  schemaVersion: z.literal(1),
  project: Name,
  model: Name,
  modelId: Id,
  sequence: z.number().int().min(1),
  digest: Sha256,
  signedAt: Instant,
});
export type LedgerHead = z.infer<typeof LedgerHead>;

/**
 * `signature` is an Ed25519 signature in base64 over the canonical JSON of the head without `keyId` and `signature`.
 */
export const SignedHead = LedgerHead.extend({ keyId: z.string(), signature: z.string() });
export type SignedHead = z.infer<typeof SignedHead>;

/** Returns the text that is signed. */
export function signedText(head: LedgerHead): string {
  const { schemaVersion, project, model, modelId, sequence, digest, signedAt } = head;
  return canonicalJson({ schemaVersion, project, model, modelId, sequence, digest, signedAt });
}

/** Prefix of all signed copies in the object store. */
export const headsPrefix = 'ledger-heads/';

export function headsOf(modelId: Id): string {
  return `${headsPrefix}${modelId}/`;
}

/** Returns the object name of a signed copy. Names sort in the order of the sequence numbers. */
export function headName(modelId: Id, sequence: number): string {
  return `${headsOf(modelId)}${String(sequence).padStart(15, '0')}.json`;
}

export const LedgerKey = z.object({
  algorithm: z.literal('Ed25519'),
  /** The first digits of the SHA-256 of the public key. Every signed head contains this id. */
  keyId: z.string(),
  /** In PEM format. */
  publicKey: z.string(),
});
export type LedgerKey = z.infer<typeof LedgerKey>;

/** The result of verifying one model's chain. */
export const LedgerVerdict = z.object({
  project: z.string(),
  model: z.string(),
  modelId: Id,
  verified: z.boolean(),
  /** Number of valid entries from the start of the chain. */
  entries: z.number().int(),
  head: ChainPoint.nullable(),
  /** The newest signed copy that matches the chain, and the number of copies; null if there is no copy yet. */
  signed: z
    .object({ sequence: z.number().int(), digest: Sha256, signedAt: Instant, copies: z.number().int() })
    .nullable(),
  problem: ChainProblem.nullable(),
});
export type LedgerVerdict = z.infer<typeof LedgerVerdict>;
