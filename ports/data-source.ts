import type { DataFormat } from '../contracts/data/data-format.ts';
import type { ConnectionKind, ConnectionSettings } from '../contracts/access/connection.ts';
import type { RemoteSource } from '../contracts/data/remote-source.ts';

/** Opens the connection that a source names: with the secrets, which go no further than the adapter. */
export type OpenConnection = <Kind extends ConnectionKind>(
  name: string,
  kind: Kind,
) => Promise<Extract<ConnectionSettings, { kind: Kind }>>;

export interface Fetching {
  readonly openConnection: OpenConnection;
  /** An existing folder, where the files are written. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

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

/** Fetches sources of one kind. */
export interface DataSourceOf<Source extends RemoteSource> {
  /**
   * Fetches everything; memory does not grow with it. Errors: `source-unavailable` once trying again has not helped,
   * `source-refused` for an address that is not allowed or a query that is none, `too-large` over the limits, `data-empty` where
   * nothing is there.
   */
  fetch(source: Source, fetching: Fetching): Promise<readonly SourceFile[]>;
}

/** Fetches sources of every registered kind. */
export type DataSource = DataSourceOf<RemoteSource>;
