import type { Sha256 } from '../../contracts/identifiers.ts';

/** Bytes that a dataset, code or model version refers to, with the newest such version. */
export interface Reference {
  readonly sha256: Sha256;
  readonly project: string;
  readonly model: string;
  /** For example `dataset 3`, `code 1` or `version 4`. */
  readonly version: string;
  /** Environments in which the version is a head or a release with it serves. */
  readonly usedIn: readonly string[];
}

export interface ReferenceRepository {
  /**
   * Returns references in digest order, starting after `after`. Versions whose bytes were removed by retention are left
   * out.
   */
  list(after: Sha256 | null, limit: number): Promise<readonly Reference[]>;
}
