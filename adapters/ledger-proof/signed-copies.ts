import type { Id } from '../../contracts/identifiers.ts';
import type { ChainProblem } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerHead } from '../../contracts/ledger/ledger-head.ts';
import { headName, headsOf, headsPrefix, SignedHead } from '../../contracts/ledger/ledger-head.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { SigningKey } from './signing-key.ts';

/** Most copies that are read of one model. About seventy are kept, so a larger number means that some are forged. */
const copiesRead = 500;
const readAtOnce = 16;
const namesAtOnce = 1_000;

export interface Copies {
  /** Copies signed by this installation, by ascending sequence number. */
  readonly genuine: readonly SignedHead[];
  readonly forged: readonly ChainProblem[];
}

/** The signed copies in the object store. A copy is trusted only if its signature is valid. */
export class SignedCopies {
  readonly #store: ObjectStore;
  readonly #key: SigningKey;

  constructor(store: ObjectStore, key: SigningKey) {
    this.#store = store;
    this.#key = key;
  }

  async of(modelId: Id): Promise<Copies> {
    const names = await this.#store.listNamed(headsOf(modelId), null, copiesRead);
    const read: (SignedHead | ChainProblem)[] = [];
    for (let from = 0; from < names.length; from += readAtOnce) {
      const some = names.slice(from, from + readAtOnce);
      read.push(...(await Promise.all(some.map((name) => this.#read(modelId, name)))).flatMap((one) => one ?? []));
    }
    return {
      genuine: read.filter((one) => 'signature' in one).toSorted((a, b) => a.sequence - b.sequence),
      forged: read.filter((one) => 'what' in one),
    };
  }

  /** Returns false if the store already has different content under the copy's name. */
  async put(head: LedgerHead): Promise<boolean> {
    const signed = this.#key.sign(head);
    const name = headName(head.modelId, head.sequence);
    if (await this.#store.putNamed(name, Buffer.from(`${JSON.stringify(signed)}\n`))) return true;
    const there = await this.#read(head.modelId, name);
    return there !== undefined && 'signature' in there && there.digest === head.digest;
  }

  async remove(modelId: Id, sequence: number): Promise<void> {
    await this.#store.removeNamed(headName(modelId, sequence));
  }

  /** Yields the ids of the models that have copies. The names are read page by page. */
  async *models(): AsyncGenerator<Id> {
    let after: string | null = null;
    let last: Id | undefined;
    for (;;) {
      const names: readonly string[] = await this.#store.listNamed(headsPrefix, after, namesAtOnce);
      for (const name of names) {
        const modelId = name.slice(headsPrefix.length).split('/')[0];
        if (modelId !== undefined && modelId !== last) yield modelId;
        last = modelId;
      }
      after = names.at(-1) ?? null;
      if (names.length < namesAtOnce) return;
    }
  }

  /** Returns undefined if the copy was removed meanwhile. */
  async #read(modelId: Id, name: string): Promise<SignedHead | ChainProblem | undefined> {
    const bytes = await this.#store.readNamed(name);
    if (bytes === undefined) return undefined;
    const head = parse(bytes.toString('utf8'));
    if (head !== undefined && headName(modelId, head.sequence) === name && this.#isOurs(head, modelId)) return head;
    return {
      kind: 'copy-forged',
      sequence: Number(/(\d+)\.json$/.exec(name)?.[1] ?? 0),
      recordedAt: null,
      what: `the copy ${name} in the object store was not signed by this installation${otherKey(head, this.#key)}`,
    };
  }

  #isOurs(head: SignedHead, modelId: Id): boolean {
    return head.modelId === modelId && this.#key.isGenuine(head);
  }
}

function parse(text: string): SignedHead | undefined {
  try {
    return SignedHead.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function otherKey(head: SignedHead | undefined, key: SigningKey): string {
  const { keyId } = key.published;
  if (head === undefined || head.keyId === keyId) return ': someone else changed it or put it there';
  return `: it names the key ${head.keyId}, but the key of this installation is ${keyId}; unless PERENNIAL_SECRET was changed, the copy is forged`;
}
