import type { Connection, ConnectionKind, ConnectionSettings } from '../../contracts/access/connection.ts';
import type { Id } from '../../contracts/identifiers.ts';

/** Named connections of a project. Their settings are stored encrypted; what lists and reads answer holds no secret. */
export interface ConnectionRepository {
  /** By name. */
  list(project: string): Promise<readonly Connection[]>;
  get(project: string, name: string): Promise<Connection>;
  /** Takes the place of what had the name. */
  put(project: string, name: string, settings: ConnectionSettings, by: Id): Promise<Connection>;
  /** Again changes nothing. The secret is gone; that there was one stays on record. */
  remove(project: string, name: string, by: Id): Promise<void>;
  /**
   * With the secrets, for whoever connects. `not-found` if there is none of the name, `conflict` if it is of none
   * of the kinds, `invalid-setting` where PERENNIAL_SECRET is another than the one that it was stored with.
   */
  settings<Kind extends ConnectionKind>(
    project: string,
    name: string,
    ...kinds: readonly Kind[]
  ): Promise<Extract<ConnectionSettings, { kind: Kind }>>;
}
