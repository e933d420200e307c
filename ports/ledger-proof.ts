import type { Id } from '../contracts/identifiers.ts';
import type { ChainProblem } from '../contracts/ledger/ledger-chain.ts';
import type { LedgerKey, LedgerVerdict } from '../contracts/ledger/ledger-head.ts';
import type { ChainOwner } from './repositories/ledger-repository.ts';

export type SigningResult =
  | { readonly state: 'signed' | 'unchanged' }
  /** Nothing was signed: what stands in the database is not what was signed before, and a signature would cover it up. */
  | { readonly state: 'refused'; readonly problem: ChainProblem };

/** The signed copies of chain heads in the object store, and what they prove of the chains in the database. */
export interface LedgerProof {
  /** What an auditor checks copies with. */
  readonly key: LedgerKey;
  /** Walks the chain and compares it with every signed copy. `store-unavailable` if the copies cannot be read. */
  verify(owner: ChainOwner): Promise<LedgerVerdict>;
  /** Signs the chain's last entry, if it goes on from the newest copy, and thins out old copies. */
  sign(owner: ChainOwner, by: Id): Promise<SigningResult>;
  /** Of models that signed copies tell of and the database no longer has; the first hundred. */
  removedModels(): Promise<readonly LedgerVerdict[]>;
}
