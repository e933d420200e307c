import type { Id } from '../../contracts/identifiers.ts';
import type { ChainPoint, ChainProblem } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerVerdict, SignedHead } from '../../contracts/ledger/ledger-head.ts';
import { headName } from '../../contracts/ledger/ledger-head.ts';
import type { Clock } from '../../ports/clock.ts';
import type { LedgerProof, SigningResult } from '../../ports/ledger-proof.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { ChainOwner, LedgerRepository } from '../../ports/repositories/ledger-repository.ts';
import { keptCopies } from './kept-copies.ts';
import { SignedCopies } from './signed-copies.ts';
import { SigningKey } from './signing-key.ts';

const removedAtMost = 100;

export interface LedgerProofParts {
  readonly ledger: LedgerRepository;
  readonly objectStore: ObjectStore;
  readonly clock: Clock;
  /** Secret of the installation, from which the signing key is derived. */
  readonly secret: string;
}

export function createLedgerProof(parts: LedgerProofParts): LedgerProof {
  return new SignedLedgerProof(parts);
}

class SignedLedgerProof implements LedgerProof {
  readonly #ledger: LedgerRepository;
  readonly #clock: Clock;
  readonly #copies: SignedCopies;
  readonly key: LedgerProof['key'];

  constructor({ ledger, objectStore, clock, secret }: LedgerProofParts) {
    const key = new SigningKey(secret);
    this.#ledger = ledger;
    this.#clock = clock;
    this.#copies = new SignedCopies(objectStore, key);
    this.key = key.published;
  }

  async verify(owner: ChainOwner): Promise<LedgerVerdict> {
    const { modelId } = owner;
    // Signing writes the entry first, then its copy, then its row. Reading in the reverse order keeps a signature in
    // progress from looking like a missing copy.
    const noted = await this.#ledger.signedPoints(modelId);
    const { genuine, forged } = await this.#copies.of(modelId);
    const chain = await this.#ledger.verify(modelId, genuine);
    const problem = chain.problem ?? forged[0] ?? (await this.#missing(modelId, noted, genuine)) ?? null;
    const signed = chain.signed === null ? null : { ...pick(chain.signed), copies: genuine.length };
    const { entries, head } = chain;
    return { ...owner, verified: problem === null, entries, head, signed, problem };
  }

  async sign(owner: ChainOwner, by: Id): Promise<SigningResult> {
    const { modelId } = owner;
    const { genuine } = await this.#copies.of(modelId);
    const newest = genuine.at(-1);
    const from = newest === undefined ? undefined : await this.#ledger.point(modelId, newest.sequence);
    if (newest !== undefined && from?.digest !== newest.digest)
      return { state: 'refused', problem: unlike(newest, from) };
    const { head, problem } = await this.#ledger.verify(modelId, [], from);
    if (problem !== null) return { state: 'refused', problem };
    if (head === null) return { state: 'unchanged' };
    const state = head.sequence === newest?.sequence ? 'unchanged' : 'signed';
    const signedAt = state === 'unchanged' && newest !== undefined ? newest.signedAt : this.#clock.now();
    const { project, model } = owner;
    const { sequence, digest } = head;
    if (state === 'signed') {
      const taken = !(await this.#copies.put({
        schemaVersion: 1,
        project,
        model,
        modelId,
        sequence,
        digest,
        signedAt,
      }));
      if (taken) return { state: 'refused', problem: occupied(modelId, sequence) };
    }
    // Also reached if an earlier signing was interrupted after it stored the copy: the copy exists, but its row does not.
    await this.#ledger.noteSigned(modelId, { sequence, signedAt }, by);
    if (state === 'signed') await this.#thin(modelId, [...genuine, { sequence, signedAt }]);
    return { state };
  }

  async removedModels(): Promise<readonly LedgerVerdict[]> {
    const removed: LedgerVerdict[] = [];
    for await (const modelId of this.#copies.models()) {
      if (removed.length === removedAtMost) break;
      if ((await this.#ledger.owner(modelId)) !== undefined) continue;
      const newest = (await this.#copies.of(modelId)).genuine.at(-1);
      if (newest !== undefined) removed.push(removedModel(newest));
    }
    return removed;
  }

  /** Removes rows before copies: a copy without a row is harmless, but a row without a copy is reported as missing. */
  async #thin(modelId: Id, genuine: readonly Pick<SignedHead, 'sequence' | 'signedAt'>[]): Promise<void> {
    const noted = await this.#ledger.signedPoints(modelId);
    const [kept, keptRows] = [keptCopies(genuine), keptCopies(noted)];
    await this.#ledger.forgetSigned(
      modelId,
      noted.map((row) => row.sequence).filter((sequence) => !keptRows.has(sequence)),
    );
    for (const { sequence } of genuine) if (!kept.has(sequence)) await this.#copies.remove(modelId, sequence);
  }

  async #missing(
    modelId: Id,
    noted: readonly { readonly sequence: number; readonly signedAt: string }[],
    genuine: readonly SignedHead[],
  ): Promise<ChainProblem | undefined> {
    const there = new Set(genuine.map((copy) => copy.sequence));
    const absent = noted.filter(({ sequence }) => !there.has(sequence));
    if (absent.length === 0) return undefined;
    // A copy that was removed while the copies were read has no row any more, so the rows are read again.
    const still = new Set((await this.#ledger.signedPoints(modelId)).map((row) => row.sequence));
    const missing = absent.find(({ sequence }) => still.has(sequence));
    if (missing === undefined) return undefined;
    const { sequence, signedAt } = missing;
    const name = headName(modelId, sequence);
    return {
      kind: 'copy-missing',
      sequence,
      recordedAt: null,
      what: `the object store has no ${name}, the copy of entry ${sequence} signed at ${signedAt}: the copy was removed, or this is a different object store`,
    };
  }
}

function pick({ sequence, digest, signedAt }: Pick<SignedHead, 'sequence' | 'digest' | 'signedAt'>) {
  return { sequence, digest, signedAt };
}

function unlike({ sequence, signedAt }: SignedHead, found: ChainPoint | undefined): ChainProblem {
  if (found === undefined)
    return {
      kind: 'cut-off',
      sequence,
      recordedAt: null,
      what: `entry ${sequence}, which was signed at ${signedAt}, is missing`,
    };
  return {
    kind: 'rewritten',
    sequence,
    recordedAt: found.recordedAt,
    what: `entry ${sequence} differs from the one that was signed at ${signedAt}`,
  };
}

function occupied(modelId: Id, sequence: number): ChainProblem {
  const name = headName(modelId, sequence);
  return {
    kind: 'copy-forged',
    sequence,
    recordedAt: null,
    what: `the object store already has ${name}, but this installation did not sign it`,
  };
}

function removedModel(newest: SignedHead): LedgerVerdict {
  const { project, model, modelId, sequence, signedAt } = newest;
  const what = `the database has no model ${modelId}, but ${sequence} of its entries were signed at ${signedAt}: the model was removed together with its chain`;
  const problem: ChainProblem = { kind: 'model-removed', sequence: 1, recordedAt: null, what };
  return { project, model, modelId, verified: false, entries: 0, head: null, signed: null, problem };
}
