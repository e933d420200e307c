import { z } from 'zod';
import { canonicalJson } from '../canonical.ts';
import { Id, Instant, Name, Sha256 } from '../identifiers.ts';
import { ChainPoint, ChainProblem } from './ledger-chain.ts';

/**
 * The last entry of a model's chain at an instant, signed with the platform's key and copied to the object store, so that
 * whoever can write to the database alone can neither cut the chain off nor rewrite it unseen.
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

/** `signature`: Ed25519 over the canonical JSON of the head without `keyId` and `signature`, in base64. */
export const SignedHead = LedgerHead.extend({ keyId: z.string(), signature: z.string() });
export type SignedHead = z.infer<typeof SignedHead>;

/** The bytes that are signed. */
export function signedText(head: LedgerHead): string {
  const { schemaVersion, project, model, modelId, sequence, digest, signedAt } = head;
  return canonicalJson({ schemaVersion, project, model, modelId, sequence, digest, signedAt });
}

/** Of every copy in the object store. */
export const headsPrefix = 'ledger-heads/';

export function headsOf(modelId: Id): string {
  return `${headsPrefix}${modelId}/`;
}

/** Names sort as sequences do. */
export function headName(modelId: Id, sequence: number): string {
  return `${headsOf(modelId)}${String(sequence).padStart(15, '0')}.json`;
}

export const LedgerKey = z.object({
  algorithm: z.literal('Ed25519'),
  /** The beginning of the SHA-256 of the public key; every signed head names it. */
  keyId: z.string(),
  /** PEM. */
  publicKey: z.string(),
});
export type LedgerKey = z.infer<typeof LedgerKey>;

/** Whether one model's chain holds. */
export const LedgerVerdict = z.object({
  project: z.string(),
  model: z.string(),
  modelId: Id,
  verified: z.boolean(),
  /** Entries that hold, from the first on. */
  entries: z.number().int(),
  head: ChainPoint.nullable(),
  /** The newest signed copy that the chain fits, and how many there are; null before the first was made. */
  signed: z
    .object({ sequence: z.number().int(), digest: Sha256, signedAt: Instant, copies: z.number().int() })
    .nullable(),
  problem: ChainProblem.nullable(),
});
export type LedgerVerdict = z.infer<typeof LedgerVerdict>;
