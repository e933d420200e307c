import type { DataFormat } from '../contracts/data/data-format.ts';
import type { ConnectionKind, ConnectionSettings } from '../contracts/access/connection.ts';
import type { RemoteSource } from '../contracts/data/remote-source.ts';

/** Opens the connection that a source names. The result contains the secrets, which must not leave the adapter. */
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
  /** Name shown to people: the last part of the file's address. */
  readonly name: string;
  readonly format: DataFormat;
  /** Path of the written file, inside the given folder. */
  readonly path: string;
  readonly from: string;
  readonly bytes: number;
  /** ETag of the fetched file, or null if the server sent none. */
  readonly etag: string | null;
}

/** Fetches sources of one kind. */
export interface DataSourceOf<Source extends RemoteSource> {
  /**
   * Fetches all data of the source with bounded memory. Errors: `source-unavailable` if retries did not help;
   * `source-refused` for an address that is not allowed or an invalid query; `too-large` over the limits; `data-empty`
   * if the source holds nothing.
   */
  fetch(source: Source, fetching: Fetching): Promise<readonly SourceFile[]>;
}

/** Fetches sources of every registered kind. */
export type DataSource = DataSourceOf<RemoteSource>;
