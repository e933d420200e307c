import type { Connection, ConnectionKind, ConnectionSettings } from '../../contracts/access/connection.ts';
import type { Id } from '../../contracts/identifiers.ts';

/** Named connections of a project. Their settings are stored encrypted; results of `list` and `get` hold no secret. */
export interface ConnectionRepository {
  /** Returns the project's connections, sorted by name. */
  list(project: string): Promise<readonly Connection[]>;
  get(project: string, name: string): Promise<Connection>;
  /** Stores the connection and replaces an existing one of that name. */
  put(project: string, name: string, settings: ConnectionSettings, by: Id): Promise<Connection>;
  /** Deletes the connection's secret and keeps the record that it existed. Repeating the call changes nothing. */
  remove(project: string, name: string, by: Id): Promise<void>;
  /**
   * Returns the settings including the secrets, for the code that connects. Errors: `not-found` if no connection has
   * the name; `conflict` if it is of none of the kinds; `invalid-setting` if PERENNIAL_SECRET is not the one that it
   * was stored with.
   */
  settings<Kind extends ConnectionKind>(
    project: string,
    name: string,
    ...kinds: readonly Kind[]
  ): Promise<Extract<ConnectionSettings, { kind: Kind }>>;
}
