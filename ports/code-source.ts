import type { GitConnection } from '../contracts/access/connection.ts';

export interface CodeRequest {
  readonly url: string;
  /** A branch, a tag or a whole commit. */
  readonly ref: string;
  readonly path: string;
  readonly connection: GitConnection | null;
}

export interface FetchedCode {
  /** What the ref was. */
  readonly commit: string;
  /** The folder that `path` names, of plain files, inside the folder that was given. */
  readonly tree: string;
  readonly files: number;
  readonly bytes: number;
  readonly submodules: readonly { readonly path: string; readonly url: string; readonly commit: string }[];
}

export interface CodeSource {
  /**
   * Fetches the tree at a ref, its submodules with it, into an empty folder. Errors: `source-unavailable`,
   * `source-refused` for an address that is not allowed, `code-unusable` for a pointer of Git LFS, a link or a path
   * that is not there, `too-large`.
   */
  fetch(request: CodeRequest, folder: string, signal: AbortSignal): Promise<FetchedCode>;
}
