import { desc, eq } from '../connection/orm.ts';
import type { JsonValue } from '../../contracts/canonical.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import { ledgerDigest } from '../../contracts/ledger/ledger-chain.ts';
import type { LedgerEntry, LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { lockModel } from '../connection/repository-context.ts';
import { toDate } from '../connection/instants.ts';
import { written } from '../connection/not-found.ts';
import { ledger } from './ledger-tables.ts';
import { storableJson, storableText } from '../connection/storable.ts';

/** Keeps a statement below Postgres's limit of 65,535 parameters. */
const entriesAtOnce = 1_000;

export interface LedgerInput {
  readonly modelId: Id;
  readonly kind: LedgerKind;
  /** Null: the entry concerns the model as a whole. */
  readonly environment: string | null;
  /** Ids and digests of what was decided. Name the run as `runId`, which `decidedByRun` looks for. */
  readonly subject: Readonly<Record<string, JsonValue | undefined>>;
  readonly reason: string;
  readonly effectiveAt: Instant;
  readonly by: Id;
}

/**
 * Appends the model's next entry, chained to the previous one, and returns it. Locks the model until the transaction
 * ends, so call it after `lockScope`, never before. `recordedAt` never decreases within a model, even if machines'
 * clocks differ.
 */
export async function appendLedger(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  input: LedgerInput,
): Promise<LedgerEntry> {
  const [entry] = await appendLedgerEntries(context, tx, input.modelId, [input]);
  return written(entry);
}

/** Appends several entries in order, in few statements. Otherwise like `appendLedger`. */
export async function appendLedgerEntries(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  modelId: Id,
  inputs: readonly Omit<LedgerInput, 'modelId'>[],
): Promise<readonly LedgerEntry[]> {
  if (inputs.length === 0) return [];
  await lockModel(tx, modelId);
  const [last] = await tx
    .select({ sequence: ledger.sequence, digest: ledger.digest, recordedAt: ledger.recordedAt })
    .from(ledger)
    .where(eq(ledger.modelId, modelId))
    .orderBy(desc(ledger.sequence))
    .limit(1);
  const now = toDate(context.clock.now());
  const recordedAt = last !== undefined && last.recordedAt > now ? last.recordedAt : now;
  const entries: LedgerEntry[] = [];
  for (const input of inputs) {
    const unsigned = {
      modelId,
      sequence: (last?.sequence ?? 0) + 1 + entries.length,
      kind: input.kind,
      environment: input.environment,
      subject: storableJson({ schemaVersion: 1, ...input.subject }),
      reason: storableText(input.reason),
      previous: entries.at(-1)?.digest ?? last?.digest ?? null,
      recordedAt: recordedAt.toISOString(),
      effectiveAt: input.effectiveAt,
      recordedBy: input.by,
    };
    entries.push({ ...unsigned, digest: ledgerDigest(unsigned) });
  }
  for (let from = 0; from < entries.length; from += entriesAtOnce)
    await tx
      .insert(ledger)
      .values(
        entries
          .slice(from, from + entriesAtOnce)
          .map((entry) => ({ ...entry, recordedAt, effectiveAt: toDate(entry.effectiveAt) })),
      );
  return entries;
}
