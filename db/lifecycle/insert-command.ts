import { and, eq, sql } from '../connection/orm.ts';
import type { Command, CommandBody, Idempotency } from '../../contracts/runs/command.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { ErrorFields } from '../../contracts/errors.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { toInstant } from '../connection/instants.ts';
import { insertRun } from '../runs/insert-run.ts';
import { mustNotBeArchived } from '../models/must-not-be-archived.ts';
import { written } from '../connection/not-found.ts';
import { commands } from './lifecycle-tables.ts';
import { models } from '../models/model-tables.ts';
import { storableJson } from '../connection/storable.ts';

/** A command with the names of its scope; the row type of `selectCommands`. */
export interface CommandRow {
  readonly command: typeof commands.$inferSelect;
  readonly project: string;
  readonly model: string;
}

/** Selects commands with the names of project and model. The caller adds where, order and limit. */
export function selectCommands(tx: Executor) {
  return tx
    .select({ command: commands, project: models.project, model: models.name })
    .from(commands)
    .innerJoin(models, eq(models.id, commands.modelId))
    .$dynamic();
}

export function commandOf({ command, project, model }: CommandRow): Command {
  const { id, modelId, environment, body, runId, status, refusal, recordedAt, recordedBy } = command;
  const scope = { project, model, modelId, environment };
  return { id, scope, body, runId, status, refusal, recordedAt: toInstant(recordedAt), recordedBy };
}

/** Locks the idempotency key until the transaction ends, so that other requests with the same key wait. */
export async function holdKey(tx: Transaction, by: Id, { key, route }: Idempotency): Promise<void> {
  const name = `perennial idempotency ${by} ${route} ${key}`;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`);
}

export function usedForAnother({ key, route }: Idempotency, first: ErrorFields): PerennialError {
  return new PerennialError(
    'idempotency-conflict',
    `the Idempotency-Key ${key} was used on ${route} for another request; use a new key for a new request`,
    { key, route, ...first },
  );
}

/**
 * Returns the command that this principal already submitted under this key and route, or `undefined`. Throws
 * `idempotency-conflict` if that was a different request. Locks the key until the transaction ends, so call it before
 * taking any other lock.
 */
export async function commandUnderKey(
  tx: Transaction,
  requestDigest: Sha256,
  by: Id,
  { key, route }: Idempotency,
): Promise<Command | undefined> {
  await holdKey(tx, by, { key, route });
  const [row] = await selectCommands(tx).where(
    and(eq(commands.recordedBy, by), eq(commands.route, route), eq(commands.idempotencyKey, key)),
  );
  if (row === undefined) return undefined;
  if (row.command.bodyDigest !== requestDigest) throw usedForAnother({ key, route }, { commandId: row.command.id });
  return commandOf(row);
}

/**
 * Writes the command, and the queued run of a `run` command. With a key that was used before, returns the first command
 * (`commandUnderKey`); without a key, each call writes a new command. Takes no lock of the scope, so that a lifecycle
 * holding it does not block requests.
 */
export async function insertCommand(
  context: Pick<RepositoryContext, 'clock' | 'ids'>,
  tx: Transaction,
  scope: Scope,
  body: CommandBody,
  by: Id,
  idempotency?: Idempotency,
): Promise<Command> {
  const stored = storableJson(body);
  const bodyDigest = idempotency?.requestDigest ?? sha256OfJson(stored);
  const earlier = idempotency && (await commandUnderKey(tx, bodyDigest, by, idempotency));
  if (earlier !== undefined) return earlier;
  if (stored.kind !== 'cancel') await mustNotBeArchived(tx, scope.modelId);
  const runId = stored.kind === 'run' ? context.ids.next() : null;
  const [command] = await tx
    .insert(commands)
    .values({
      id: context.ids.next(),
      modelId: scope.modelId,
      environment: scope.environment,
      body: stored,
      bodyDigest,
      idempotencyKey: idempotency?.key ?? null,
      route: idempotency?.route ?? null,
      runId,
      status: 'pending',
      recordedBy: by,
    })
    .returning();
  if (stored.kind === 'run' && runId !== null) {
    const effectiveAt = await environmentNow(context, tx, scope);
    await insertRun(tx, scope, { id: runId, request: stored.request, because: 'manual', effectiveAt, by });
  }
  return commandOf({ command: written(command), project: scope.project, model: scope.model });
}
