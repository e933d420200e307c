import { and, desc, eq, lt } from '../connection/orm.ts';
import type { CodeVersion } from '../../contracts/code/code-version.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { CodeRepository } from '../../ports/repositories/code-repository.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { lockModel, lockScope } from '../connection/repository-context.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { toInstant } from '../connection/instants.ts';
import { moveCodeHead } from './move-code-head.ts';
import { nextNumber } from '../connection/next-number.ts';
import { found, written } from '../connection/not-found.ts';
import { belowNumber, pageOf } from '../connection/paging.ts';
import { proveRun } from '../runs/prove-run.ts';
import { possessBlobs } from '../blobs/possess-blobs.ts';
import { codeVersions } from './code-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { inScope } from '../connection/in-scope.ts';

type Row = typeof codeVersions.$inferSelect;
type Commit = Parameters<CodeRepository['commit']>;

function toCodeVersion({ schemaVersion: _schemaVersion, ...row }: Row): CodeVersion {
  return { ...row, recordedAt: toInstant(row.recordedAt) };
}

export function createCodeRepository(context: RepositoryContext): CodeRepository {
  const { db } = context;
  return {
    commit: (scope, version, run) => transact(db, (tx) => commit(context, tx, scope, version, run)),
    get: (id) => query(db, async () => toCodeVersion(await read(db, id))),
    byNumber: (modelId, number) =>
      query(db, async () => {
        const [row] = await db
          .select()
          .from(codeVersions)
          .where(and(eq(codeVersions.modelId, modelId), eq(codeVersions.number, number)));
        return toCodeVersion(
          found(row, `the model has no code version ${number}; \`perennial code log\` lists them`, { modelId, number }),
        );
      }),
    list: (modelId, page) =>
      query(db, async () => {
        const below = belowNumber(page);
        const rows = await db
          .select()
          .from(codeVersions)
          .where(
            and(eq(codeVersions.modelId, modelId), below === undefined ? undefined : lt(codeVersions.number, below)),
          )
          .orderBy(desc(codeVersions.number))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.number, toCodeVersion);
      }),
    head: (scope) =>
      query(db, async () => {
        const [row] = await db
          .select({ version: codeVersions })
          .from(modelEnvironments)
          .innerJoin(codeVersions, eq(codeVersions.id, modelEnvironments.codeVersionId))
          .where(inScope(modelEnvironments, scope));
        return row === undefined ? undefined : toCodeVersion(row.version);
      }),
  };
}

async function read(tx: Executor, id: Id): Promise<Row> {
  const [row] = await tx.select().from(codeVersions).where(eq(codeVersions.id, id));
  return found(row, `there is no code version ${id}`, { codeVersionId: id });
}

async function commit(
  context: RepositoryContext,
  tx: Transaction,
  scope: Commit[0],
  version: Commit[1],
  run: Commit[2],
): ReturnType<CodeRepository['commit']> {
  const { codeVersionId: head } = await lockScope(tx, scope, null);
  await proveRun(tx, scope, run.runId, 'code');
  const decided = await decidedByRun(tx, scope.modelId, 'code.committed', run.runId);
  if (decided !== undefined)
    return { version: toCodeVersion(await read(tx, String(decided.codeVersionId))), unchanged: false };
  const current = head === null ? undefined : await read(tx, head);
  if (current?.digest === version.digest) return { version: toCodeVersion(current), unchanged: true };
  const row = await ensureVersion(context, tx, scope, version, run);
  if (run.staged === true) return { version: toCodeVersion(row), unchanged: false };
  await moveCodeHead(context, tx, scope, { from: current ?? null, to: row, runId: run.runId, by: run.by });
  return { version: toCodeVersion(row), unchanged: false };
}

async function ensureVersion(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  version: Commit[1],
  run: Commit[2],
): Promise<Row> {
  const { modelId } = scope;
  await lockModel(tx, modelId);
  const { archive, environment } = version.manifest;
  await possessBlobs(tx, scope.project, [archive, environment?.lock, environment?.resolvedFrom], run.by);
  const [known] = await tx
    .select()
    .from(codeVersions)
    .where(and(eq(codeVersions.modelId, modelId), eq(codeVersions.digest, version.digest)));
  if (known !== undefined) return known;
  const number = await nextNumber(tx, codeVersions, modelId);
  const { digest, manifest, origin } = version;
  const [made] = await tx
    .insert(codeVersions)
    .values({ id: context.ids.next(), modelId, number, digest, manifest, origin, runId: run.runId, recordedBy: run.by })
    .returning();
  return written(made);
}
