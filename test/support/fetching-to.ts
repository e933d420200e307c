import type { ConnectionKind, ConnectionSettings } from '../../contracts/access/connection.ts';
import type { Fetching } from '../../ports/data-source.ts';

/** Returns a `Fetching` into this folder, in which every connection name opens `connection` if the kind matches. */
export function fetchingTo(folder: string, connection?: ConnectionSettings): Fetching {
  return {
    folder,
    signal: new AbortController().signal,
    openConnection: <Kind extends ConnectionKind>(name: string, kind: Kind) =>
      connection?.kind === kind
        ? Promise.resolve(connection as Extract<ConnectionSettings, { kind: Kind }>)
        : Promise.reject(new Error(`there is no connection ${name} of kind ${kind}`)),
  };
}
