import type { GitConnection } from '../contracts/access/connection.ts';

export interface CodeRequest {
  readonly url: string;
  /** A branch, a tag or a full commit hash. */
  readonly ref: string;
  readonly path: string;
  readonly connection: GitConnection | null;
}

export interface FetchedCode {
  /** The commit that the ref pointed to. */
  readonly commit: string;
  /** The folder named by `path`, inside the given folder. It holds only plain files. */
  readonly tree: string;
  readonly files: number;
  readonly bytes: number;
  readonly submodules: readonly { readonly path: string; readonly url: string; readonly commit: string }[];
}

export interface CodeSource {
  /**
   * Fetches the tree at a ref, including its submodules, into an empty folder. Errors: `source-unavailable`;
   * `source-refused` for an address that is not allowed; `code-unusable` for a Git LFS pointer, a link or a path that
   * does not exist; `too-large`.
   */
  fetch(request: CodeRequest, folder: string, signal: AbortSignal): Promise<FetchedCode>;
}
