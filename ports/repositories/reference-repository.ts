import type { Sha256 } from '../../contracts/identifiers.ts';

/** Bytes that a version of data, code or a model refers to, and the newest version that does. */
export interface Reference {
  readonly sha256: Sha256;
  readonly project: string;
  readonly model: string;
  /** `dataset 3`, `code 1`, `version 4`. */
  readonly version: string;
  /** Environments whose head it is, or where a release of it serves. */
  readonly usedIn: readonly string[];
}

export interface ReferenceRepository {
  /** In the order of digests, from the one after `after` on; not of versions that retention let go. */
  list(after: Sha256 | null, limit: number): Promise<readonly Reference[]>;
}
