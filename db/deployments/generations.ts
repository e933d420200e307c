import { and, desc, eq, type SQL } from '../connection/orm.ts';
import type { Generation, Slot } from '../../contracts/serving/deployment.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import { mustNotBeArchived } from '../models/must-not-be-archived.ts';
import { found, written } from '../connection/not-found.ts';
import { generations, releases } from './deployment-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { modelVersions } from '../versions/version-tables.ts';
import { storableText } from '../connection/storable.ts';
import { inScope } from '../connection/in-scope.ts';

export function toGeneration({ schemaVersion: _schemaVersion, ...row }: typeof generations.$inferSelect): Generation {
  return { ...row, recordedAt: toInstant(row.recordedAt), effectiveAt: toInstant(row.effectiveAt) };
}

export function toRelease(row: typeof releases.$inferSelect): Release {
  return { ...row, recordedAt: toInstant(row.recordedAt) };
}

export async function readRelease(tx: Executor, id: Id): Promise<Release> {
  const [row] = await tx.select().from(releases).where(eq(releases.id, id));
  return toRelease(found(row, `there is no release ${id}`, { releaseId: id }));
}

export async function newestGeneration(tx: Executor, scope: Scope): Promise<Generation | undefined> {
  const [row] = await generationsOf(tx, scope).limit(1);
  return row === undefined ? undefined : toGeneration(row);
}

/** Selects generations of the scope, newest first. */
export function generationsOf(tx: Executor, scope: Scope, where?: SQL) {
  return tx
    .select()
    .from(generations)
    .where(and(inScope(generations, scope), where))
    .orderBy(desc(generations.generation))
    .$dynamic();
}

export function championOf(generation: Generation | undefined): Slot | undefined {
  return generation?.slots.find((slot) => slot.role === 'champion');
}

/** Returns a slot for the release. `weight` is in percent. */
export async function slotFor(tx: Executor, release: Release, role: Slot['role'], weight: number): Promise<Slot> {
  const [version] = await tx
    .select({ number: modelVersions.number })
    .from(modelVersions)
    .where(eq(modelVersions.id, release.modelVersionId));
  return {
    role,
    releaseId: release.id,
    releaseDigest: release.digest,
    modelVersionId: release.modelVersionId,
    modelVersionNumber: written(version).number,
    weight,
  };
}

export interface NewGeneration {
  readonly slots: readonly Slot[];
  readonly change: Generation['change'];
  readonly reason: string;
  readonly runId: Id;
  readonly by: Id;
}

/**
 * Writes the next generation and its ledger entry, and moves the environment's pointer to it. The caller holds the
 * scope's lock.
 */
export async function raiseGeneration(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  next: NewGeneration,
): Promise<Generation> {
  await mustNotBeArchived(tx, scope.modelId);
  const effectiveAt = await environmentNow(context, tx, scope);
  const newest = await newestGeneration(tx, scope);
  const generation = (newest?.generation ?? 0) + 1;
  const { change, runId, by } = next;
  const reason = storableText(next.reason);
  const [row] = await tx
    .insert(generations)
    .values({
      modelId: scope.modelId,
      environment: scope.environment,
      generation,
      slots: [...next.slots],
      change,
      reason,
      runId,
      // Set from the application's clock, as all times compared with it are; the default would be the database's clock.
      recordedAt: toDate(context.clock.now()),
      effectiveAt: toDate(effectiveAt),
      recordedBy: by,
    })
    .returning();
  await tx.update(modelEnvironments).set({ generation }).where(inScope(modelEnvironments, scope));
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'generation.raised',
    subject: {
      runId,
      generation,
      change,
      slots: next.slots.map(({ role, releaseDigest, weight }) => ({ role, releaseDigest, weight })),
    },
    reason,
    effectiveAt,
    by,
  });
  return toGeneration(written(row));
}
