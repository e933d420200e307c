import { and, asc, eq, isNotNull } from '../connection/orm.ts';
import type { Connection, ConnectionKind, ConnectionSettings } from '../../contracts/access/connection.ts';
import { ConnectionSettings as ConnectionSettingsSchema, connectionTarget } from '../../contracts/access/connection.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { inWords } from '../../contracts/registered-names.ts';
import type { ConnectionRepository } from '../../ports/repositories/connection-repository.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { connections } from './connection-tables.ts';
import { projects } from '../models/model-tables.ts';
import { seal, unseal } from './sealed-settings.ts';

type Row = typeof connections.$inferSelect;
type StoredRow = Row & { readonly sealed: string };

function toConnection({ project, name, kind, target, recordedAt, recordedBy }: Row): Connection {
  return { project, name, kind, target, recordedAt: toInstant(recordedAt), recordedBy };
}

/**
 * Creates the repository. Without `secret` (as in a gateway) connections can be listed, but neither stored nor opened.
 */
export function createConnectionRepository(
  context: RepositoryContext,
  secret: string | undefined,
): ConnectionRepository {
  const { db, clock } = context;
  const called = (project: string, name: string) => and(eq(connections.project, project), eq(connections.name, name));
  const read = async (project: string, name: string): Promise<StoredRow> => {
    const [row] = await db.select().from(connections).where(called(project, name));
    const sealed = row?.sealed ?? null;
    const stored = row === undefined || sealed === null ? undefined : { ...row, sealed };
    return found(
      stored,
      `project ${project} has no connection ${name}; an administrator can create it with perennial connections set`,
      {
        project,
        connection: name,
      },
    );
  };
  return {
    list: (project) =>
      query(db, async () => {
        const there = and(eq(connections.project, project), isNotNull(connections.sealed));
        return (await db.select().from(connections).where(there).orderBy(asc(connections.name))).map(toConnection);
      }),
    get: (project, name) => query(db, async () => toConnection(await read(project, name))),
    put: (project, name, settings, by) =>
      transact(db, async (tx) => {
        await tx.insert(projects).values({ name: project, recordedBy: by }).onConflictDoNothing();
        const sealed = seal(mustHave(secret), JSON.stringify(settings), boundTo(project, name));
        const { kind } = settings;
        const values = {
          kind,
          target: connectionTarget(settings),
          sealed,
          recordedAt: toDate(clock.now()),
          recordedBy: by,
        };
        const [row] = await tx
          .insert(connections)
          .values({ project, name, ...values })
          .onConflictDoUpdate({ target: [connections.project, connections.name], set: values })
          .returning();
        return toConnection(written(row));
      }),
    remove: (project, name, by) =>
      query(db, async () => {
        await db
          .update(connections)
          .set({ sealed: null, recordedAt: toDate(clock.now()), recordedBy: by })
          .where(and(called(project, name), isNotNull(connections.sealed)));
      }),
    settings: (project, name, ...kinds) =>
      query(db, async () => {
        const row = await read(project, name);
        const text = unseal(mustHave(secret), row.sealed, boundTo(project, name));
        return ofKind(ConnectionSettingsSchema.parse(JSON.parse(text)), kinds, name);
      }),
  };
}

/** Returns the value that a sealed row is bound to, so that a row copied to another name cannot be opened. */
function boundTo(project: string, name: string): string {
  return `connection ${project}/${name}`;
}

function mustHave(secret: string | undefined): string {
  if (secret !== undefined) return secret;
  throw new PerennialError(
    'invalid-setting',
    'this process has no PERENNIAL_SECRET, so it can neither store nor open connections; set PERENNIAL_SECRET to the same value as for the workers',
  );
}

function ofKind<Kind extends ConnectionKind>(
  settings: ConnectionSettings,
  kinds: readonly Kind[],
  name: string,
): Extract<ConnectionSettings, { kind: Kind }> {
  if (isOf(settings, kinds)) return settings;
  throw new PerennialError(
    'conflict',
    `the connection ${name} is of kind ${settings.kind}; name a connection of kind ${inWords(kinds, 'or')}`,
    { connection: name, kind: settings.kind },
  );
}

function isOf<Kind extends ConnectionKind>(
  settings: ConnectionSettings,
  kinds: readonly Kind[],
): settings is Extract<ConnectionSettings, { kind: Kind }> {
  return kinds.some((kind) => kind === settings.kind);
}
