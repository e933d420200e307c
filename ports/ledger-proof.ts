import type { Id } from '../contracts/identifiers.ts';
import type { ChainProblem } from '../contracts/ledger/ledger-chain.ts';
import type { LedgerKey, LedgerVerdict } from '../contracts/ledger/ledger-head.ts';
import type { ChainOwner } from './repositories/ledger-repository.ts';

export type SigningResult =
  | { readonly state: 'signed' | 'unchanged' }
  /**
   * Nothing was signed: the database no longer agrees with what was signed before, and a new signature would hide that.
   */
  | { readonly state: 'refused'; readonly problem: ChainProblem };

/** Signed copies of chain heads in the object store, and checks of the database's chains against them. */
export interface LedgerProof {
  /** Public key with which an auditor checks the copies. */
  readonly key: LedgerKey;
  /** Walks the chain and compares it with every signed copy. `store-unavailable` if the copies cannot be read. */
  verify(owner: ChainOwner): Promise<LedgerVerdict>;
  /** Signs the chain's last entry if the chain continues the newest signed copy, and removes surplus old copies. */
  sign(owner: ChainOwner, by: Id): Promise<SigningResult>;
  /** Returns verdicts for models that have signed copies but are missing from the database: the first 100. */
  removedModels(): Promise<readonly LedgerVerdict[]>;
}
