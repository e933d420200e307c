import { z } from 'zod';
import { sha256OfJson } from '../digest.ts';
import { Instant, Sha256 } from '../identifiers.ts';
import type { LedgerEntry } from './ledger-entry.ts';

/** A problem of a ledger chain, and the position where it begins. */
export const ChainProblem = z.object({
  kind: z.enum(['changed', 'added', 'removed', 'rewritten', 'cut-off', 'copy-missing', 'copy-forged', 'model-removed']),
  /** The first inconsistent entry; for a problem of a signed copy, the entry that was copied. */
  sequence: z.number().int(),
  /**
   * When the first inconsistent entry was recorded, or the entry before the missing ones. null if neither exists any
   * more.
   */
  recordedAt: Instant.nullable(),
  what: z.string(),
});
export type ChainProblem = z.infer<typeof ChainProblem>;

export const ChainPoint = z.object({ sequence: z.number().int(), digest: Sha256, recordedAt: Instant });
export type ChainPoint = z.infer<typeof ChainPoint>;

/** An entry as it is stored in the database. Somebody may have written it by hand, so its kind may be unknown. */
export type StoredEntry = Omit<LedgerEntry, 'kind'> & { readonly kind: string };

/** A position of a chain that was signed. */
export interface SignedPoint {
  readonly sequence: number;
  readonly digest: Sha256;
  readonly signedAt: Instant;
}

export interface ChainVerdict {
  /** Number of valid entries. */
  readonly entries: number;
  /** The last valid entry. */
  readonly head: ChainPoint | null;
  /** The newest signed point that matches the chain. */
  readonly signed: SignedPoint | null;
  readonly problem: ChainProblem | null;
}

/** A renumbered entry is recognised if it moved by at most this many places. */
const renumberedAtMost = 100;

/** Returns the digest that identifies an entry. It covers all fields except the digest itself. */
export function ledgerDigest(entry: Omit<StoredEntry, 'digest'>): Sha256 {
  const { modelId, sequence, kind, environment, subject, reason, previous, recordedAt, effectiveAt, recordedBy } =
    entry;
  return sha256OfJson({
    modelId,
    sequence,
    kind,
    environment,
    subject,
    reason,
    previous,
    recordedAt,
    effectiveAt,
    recordedBy,
  });
}

/** Checks one model's entries in order and explains the first inconsistent one. It keeps only one entry in memory. */
export class ChainWalk {
  readonly #signed: readonly SignedPoint[];
  #last: ChainPoint | null;
  #next: number;
  #fits: SignedPoint | null = null;

  /**
   * `signed` is in ascending order of `sequence`. The walk begins after the entry `from`, which must already have been
   * verified.
   */
  constructor(signed: readonly SignedPoint[], from: ChainPoint | null = null) {
    this.#signed = signed;
    this.#last = from;
    this.#next = signed.findIndex((point) => point.sequence > (from?.sequence ?? 0));
    if (this.#next === -1) this.#next = signed.length;
  }

  /** Returns `undefined` while all entries are valid. It must not be called again after it has returned a problem. */
  step(entry: StoredEntry): ChainProblem | undefined {
    const problem = this.#outOfPlace(entry) ?? this.#unlike(entry) ?? this.#unchained(entry) ?? this.#unsigned(entry);
    if (problem === undefined)
      this.#last = { sequence: entry.sequence, digest: entry.digest, recordedAt: entry.recordedAt };
    return problem;
  }

  /** Returns a problem if the chain ends before the last signed entry. Called after the last entry. */
  end(): ChainProblem | undefined {
    const beyond = this.#signed.at(-1);
    if (beyond === undefined || beyond.sequence <= this.#count) return undefined;
    return {
      kind: 'cut-off',
      sequence: this.#count + 1,
      recordedAt: this.#last?.recordedAt ?? null,
      what: `the chain ends with entry ${this.#count}, but entry ${beyond.sequence} was signed at ${beyond.signedAt}: ${span(this.#count + 1, beyond.sequence)} removed from the end`,
    };
  }

  verdict(problem: ChainProblem | undefined): ChainVerdict {
    return { entries: this.#count, head: this.#last, signed: this.#fits, problem: problem ?? null };
  }

  get #count(): number {
    return this.#last?.sequence ?? 0;
  }

  #outOfPlace({ sequence, recordedAt }: StoredEntry): ChainProblem | undefined {
    const expected = this.#count + 1;
    if (sequence === expected) return undefined;
    if (sequence < expected)
      return {
        kind: 'added',
        sequence,
        recordedAt,
        what: `entry ${sequence} has a sequence number that Perennial never assigns`,
      };
    return {
      kind: 'removed',
      sequence: expected,
      recordedAt: this.#last?.recordedAt ?? null,
      what: `${span(expected, sequence - 1)} removed: entry ${sequence} follows entry ${this.#count}`,
    };
  }

  #unlike(entry: StoredEntry): ChainProblem | undefined {
    if (digestOrNothing(entry) === entry.digest) return undefined;
    const { sequence, recordedAt } = entry;
    const moved = movedBy(entry);
    if (moved > 0)
      return {
        kind: 'added',
        sequence: sequence - moved,
        recordedAt: this.#last?.recordedAt ?? null,
        what: `${span(sequence - moved, sequence - 1)} added: the entry that is now entry ${sequence} was recorded as entry ${sequence - moved}`,
      };
    if (moved < 0)
      return {
        kind: 'removed',
        sequence,
        recordedAt: this.#last?.recordedAt ?? null,
        what: `${span(sequence, sequence - moved - 1)} removed: the entry that is now entry ${sequence} was recorded as entry ${sequence - moved}`,
      };
    return {
      kind: 'changed',
      sequence,
      recordedAt,
      what: `entry ${sequence} was changed: its digest does not match its content`,
    };
  }

  /** The entry's own digest is valid here, so its reference to the previous entry can be used to check that entry. */
  #unchained({ sequence, recordedAt, previous }: StoredEntry): ChainProblem | undefined {
    if (previous === (this.#last?.digest ?? null)) return undefined;
    if (this.#last === null)
      return {
        kind: 'removed',
        sequence,
        recordedAt,
        what: `entry ${sequence} refers to a previous entry that does not exist: the first entries of the chain were removed`,
      };
    if (this.#fits?.sequence === this.#count)
      return {
        kind: 'changed',
        sequence,
        recordedAt,
        what: `entry ${sequence} was changed and its digest was recomputed: entry ${this.#count} is unchanged since it was signed, but entry ${sequence} refers to another entry as the previous entry`,
      };
    return {
      kind: 'changed',
      sequence: this.#count,
      recordedAt: this.#last.recordedAt,
      what: `entry ${this.#count} was changed or inserted, and its digest was recomputed: entry ${sequence} refers to another entry as the previous entry`,
    };
  }

  #unsigned(entry: StoredEntry): ChainProblem | undefined {
    const point = this.#signed[this.#next];
    if (point === undefined || point.sequence > entry.sequence) return undefined;
    if (point.digest !== entry.digest) {
      const since = this.#fits === null ? `up to entry ${entry.sequence}` : `after entry ${this.#fits.sequence}`;
      return {
        kind: 'rewritten',
        sequence: (this.#fits?.sequence ?? 0) + 1,
        recordedAt: entry.recordedAt,
        what: `the chain was rewritten ${since}: its digests match each other, but entry ${entry.sequence} is not the one that was signed at ${point.signedAt}`,
      };
    }
    this.#fits = point;
    this.#next += 1;
    return undefined;
  }
}

/** An entry that was written by hand may have no canonical form and therefore no digest. */
function digestOrNothing(entry: Omit<StoredEntry, 'digest'>): Sha256 | undefined {
  try {
    return ledgerDigest(entry);
  } catch {
    return undefined;
  }
}

/**
 * Returns how many places an entry has moved from the sequence number that it was recorded with; 0 if no nearby number
 * matches its digest.
 */
function movedBy(entry: StoredEntry): number {
  for (let places = 1; places <= renumberedAtMost; places += 1)
    for (const moved of [places, -places])
      if (digestOrNothing({ ...entry, sequence: entry.sequence - moved }) === entry.digest) return moved;
  return 0;
}

function span(first: number, last: number): string {
  return first === last ? `entry ${first} was` : `entries ${first} to ${last} were`;
}
