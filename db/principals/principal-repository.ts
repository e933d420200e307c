import { and, asc, desc, eq, gt, inArray, isNull, lt, or, sql } from '../connection/orm.ts';
import { canonicalJson } from '../../contracts/canonical.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { Grant, Principal } from '../../contracts/access/principal.ts';
import type { PrincipalRepository } from '../../ports/repositories/principal-repository.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { toDate, toInstant, toInstantOrNull } from '../connection/instants.ts';
import { found, written } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { apiKeys, grants, principals } from './principal-tables.ts';

type Row = typeof principals.$inferSelect;

export function createPrincipalRepository(context: RepositoryContext): PrincipalRepository {
  const { db } = context;
  return {
    ensure: (name, kind, given, by) => transact(db, (tx) => ensurePrincipal(context, tx, name, kind, given, by)),
    create: (name, kind, given, by) => transact(db, (tx) => create(context, tx, name, kind, given, by)),
    get: (id) => query(db, () => readPrincipal(db, id)),
    list: (page) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await db
          .select()
          .from(principals)
          .where(below === undefined ? undefined : lt(principals.id, below))
          .orderBy(desc(principals.id))
          .limit(page.limit + 1);
        const held = await grantsOf(
          db,
          rows.map((row) => row.id),
        );
        return pageOf(
          rows,
          page,
          (row) => row.id,
          (row) => toPrincipal(row, held.get(row.id)),
        );
      }),
    addKey: (principalId, hash, label, by, expiresAt = null) =>
      transact(db, (tx) => addKey(context, tx, principalId, { hash, label, expiresAt }, by)),
    revokeKey: (principalId, keyId, by) =>
      transact(db, async (tx) => {
        const mine = and(eq(apiKeys.id, keyId), eq(apiKeys.principalId, principalId));
        const [row] = await tx.select({ id: apiKeys.id }).from(apiKeys).where(mine);
        found(row, `principal ${principalId} has no key ${keyId}`, { principalId, keyId });
        await tx
          .update(apiKeys)
          .set({ revokedAt: new Date(context.clock.now()), revokedBy: by })
          .where(and(mine, isNull(apiKeys.revokedAt)));
      }),
    authenticate: (keyHash) =>
      query(db, async () => {
        const [row] = await db
          .select({ principal: principals, expiresAt: apiKeys.expiresAt })
          .from(apiKeys)
          .innerJoin(principals, eq(principals.id, apiKeys.principalId))
          .where(and(eq(apiKeys.hash, keyHash), inForce(context)));
        if (row === undefined) return undefined;
        const held = await grantsOf(db, [row.principal.id]);
        return {
          principal: toPrincipal(row.principal, held.get(row.principal.id)),
          expiresAt: toInstantOrNull(row.expiresAt),
        };
      }),
    keys: () =>
      // Reads one snapshot, so that a key is never combined with grants of another moment.
      transact(
        db,
        async (tx) => {
          const rows = await tx
            .select({ key: apiKeys, principal: principals })
            .from(apiKeys)
            .innerJoin(principals, eq(principals.id, apiKeys.principalId))
            .where(inForce(context))
            .orderBy(asc(apiKeys.id));
          const held = await grantsOf(
            tx,
            rows.map((row) => row.principal.id),
          );
          return rows.map((row) => ({
            keyId: row.key.id,
            hash: row.key.hash,
            expiresAt: toInstantOrNull(row.key.expiresAt),
            principal: toPrincipal(row.principal, held.get(row.principal.id)),
          }));
        },
        { isolation: 'repeatable read', readOnly: true },
      ),
  };
}

/** Condition for keys in force. The query must join their principals. */
function inForce({ clock }: RepositoryContext) {
  return and(
    isNull(apiKeys.revokedAt),
    isNull(principals.archivedAt),
    or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, toDate(clock.now()))),
  );
}

function toPrincipal(row: Row, held: readonly Grant[] = []): Principal {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    grants: [...held],
    archivedAt: toInstantOrNull(row.archivedAt),
    recordedAt: toInstant(row.recordedAt),
  };
}

function toGrant(row: typeof grants.$inferSelect): Grant {
  return {
    role: row.role,
    ...(row.project === null ? {} : { project: row.project }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.environment === null ? {} : { environment: row.environment }),
  };
}

async function grantsOf(tx: Executor, ids: readonly Id[]): Promise<ReadonlyMap<Id, Grant[]>> {
  const held = new Map<Id, Grant[]>();
  if (ids.length === 0) return held;
  for (const row of await tx
    .select()
    .from(grants)
    .where(inArray(grants.principalId, [...new Set(ids)]))
    .orderBy(asc(grants.id))) {
    held.set(row.principalId, [...(held.get(row.principalId) ?? []), toGrant(row)]);
  }
  return held;
}

async function readPrincipal(tx: Executor, id: Id): Promise<Principal> {
  const [row] = await tx.select().from(principals).where(eq(principals.id, id));
  const principal = found(row, `there is no principal ${id}`, { principalId: id });
  return toPrincipal(principal, (await grantsOf(tx, [id])).get(id));
}

/** Creates the principal, or adds the grants to the existing one of that name, in the caller's transaction. */
export async function ensurePrincipal(
  context: Pick<RepositoryContext, 'ids'>,
  tx: Transaction,
  name: string,
  kind: Principal['kind'],
  given: readonly Grant[],
  by: Id | null,
): Promise<Principal> {
  await tx.insert(principals).values({ id: context.ids.next(), name, kind, recordedBy: by }).onConflictDoNothing();
  const [row] = await tx.select().from(principals).where(eq(principals.name, name));
  const principal = written(row);
  if (principal.kind !== kind)
    throw new PerennialError(
      'conflict',
      `principal ${name} is a ${principal.kind}, not a ${kind}; choose another name`,
      { name, kind: principal.kind },
    );
  if (given.length > 0) {
    const rows = given.map((grant) => ({
      id: context.ids.next(),
      principalId: principal.id,
      role: grant.role,
      project: grant.project ?? null,
      model: grant.model ?? null,
      environment: grant.environment ?? null,
      recordedBy: by,
    }));
    await tx.insert(grants).values(rows).onConflictDoNothing();
  }
  return readPrincipal(tx, principal.id);
}

async function create(
  context: RepositoryContext,
  tx: Transaction,
  name: string,
  kind: Principal['kind'],
  given: readonly Grant[],
  by: Id,
): Promise<Principal> {
  // The lock makes a concurrent creation of the same name wait. It then either equals this one or conflicts with it.
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`perennial principal ${name}`}, 0))`);
  const [row] = await tx.select().from(principals).where(eq(principals.name, name));
  if (row === undefined) return ensurePrincipal(context, tx, name, kind, given, by);
  const known = await readPrincipal(tx, row.id);
  const same = known.kind === kind && setOf(known.grants) === setOf(given);
  if (!same)
    throw new PerennialError(
      'conflict',
      `principal ${name} exists already with another kind or other grants; choose another name`,
      { name, principalId: known.id },
    );
  return known;
}

function setOf(given: readonly Grant[]): string {
  return [...new Set(given.map((grant) => canonicalJson(grant)))].toSorted().join();
}

async function addKey(
  context: RepositoryContext,
  tx: Transaction,
  principalId: Id,
  { hash, label, expiresAt }: { readonly hash: string; readonly label: string; readonly expiresAt: Instant | null },
  by: Id | null,
): ReturnType<PrincipalRepository['addKey']> {
  await readPrincipal(tx, principalId);
  await tx
    .insert(apiKeys)
    .values({
      id: context.ids.next(),
      principalId,
      hash,
      label,
      expiresAt: expiresAt === null ? null : toDate(expiresAt),
      recordedBy: by,
    })
    .onConflictDoNothing();
  const [row] = await tx.select().from(apiKeys).where(eq(apiKeys.hash, hash));
  const key = written(row);
  if (key.principalId !== principalId)
    throw new PerennialError('conflict', 'another principal has this key already; create a new key', { principalId });
  return { keyId: key.id, recordedAt: toInstant(key.recordedAt) };
}
