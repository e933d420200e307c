import type { DataFormat } from '../contracts/data/data-format.ts';
import type { PostgresConnection, S3Connection } from '../contracts/access/connection.ts';

/** A source with what it takes to reach it. */
export type ReachableSource =
  | { readonly kind: 'url'; readonly url: string; readonly format?: DataFormat | undefined }
  | {
      readonly kind: 's3';
      readonly connection: S3Connection;
      readonly key?: string | undefined;
      readonly prefix?: string | undefined;
      readonly format?: DataFormat | undefined;
    }
  | { readonly kind: 'postgres'; readonly connection: PostgresConnection; readonly query: string };

export interface SourceFile {
  /** As a person would know it: the last part of its address. */
  readonly name: string;
  readonly format: DataFormat;
  /** Where it was written, inside the folder that was given. */
  readonly path: string;
  readonly from: string;
  readonly bytes: number;
  /** What the server calls this state of it, if it says. */
  readonly etag: string | null;
}

export interface DataSource {
  /**
   * Fetches everything into an existing folder; memory does not grow with it. Errors: `source-unavailable` once trying
   * again has not helped, `source-refused` for an address that is not allowed or a query that is none,
   * `too-large` over the limits, `data-empty` where nothing is there.
   */
  fetch(source: ReachableSource, folder: string, signal: AbortSignal): Promise<readonly SourceFile[]>;
}
