import { sha256OfJson } from '../../contracts/digest.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { AddedLabels } from '../../contracts/monitoring/label.ts';
import { labelsListed } from '../../contracts/monitoring/label.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { sql } from '../connection/orm.ts';
import { labelColumns, labelValue } from './stored-value.ts';
import { inScope } from '../connection/in-scope.ts';
import { labels as labelTable } from './label-tables.ts';

/** A label of a known prediction. */
export interface KnownLabel {
  readonly id: string;
  readonly value: ClassValue;
  readonly at: Instant;
}

export type Correction = AddedLabels['corrections'][number];

export interface WrittenLabels {
  readonly accepted: number;
  readonly repeated: number;
  readonly corrections: readonly Correction[];
}

const labelsAtOnce = 10_000;

/** Writes labels; for one prediction the last one counts. Replaced values are recorded in one ledger entry. */
export async function writeLabels(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Scope,
  labels: readonly KnownLabel[],
  by: Id,
): Promise<WrittenLabels> {
  const lasts = [...new Map(labels.map((label) => [label.id, label])).values()];
  const corrections: Correction[] = [];
  let accepted = 0;
  for (let from = 0; from < lasts.length; from += labelsAtOnce) {
    const some = lasts.slice(from, from + labelsAtOnce);
    const known = await insertNew(tx, scope, some, by);
    accepted += some.length - known.size;
    const replacing = some.filter(({ id, value }) => known.has(id) && known.get(id) !== value);
    await replace(tx, scope, replacing, by);
    for (const { id, value } of replacing) corrections.push({ id, from: known.get(id) ?? value, to: value });
  }
  await recordCorrections(context, tx, scope, corrections, by);
  return { accepted, repeated: labels.length - accepted - corrections.length, corrections };
}

/** Inserts labels of predictions that have none. Returns the existing labels of the other predictions. */
async function insertNew(
  tx: Transaction,
  scope: Scope,
  labels: readonly KnownLabel[],
  by: Id,
): Promise<ReadonlyMap<string, ClassValue>> {
  const ids = sql.param(labels.map(({ id }) => id));
  const { rows: inserted } = await tx.execute<{ id: string }>(sql`
    insert into labels (model_id, environment, prediction_id, value, class, effective_at, recorded_by)
    select ${scope.modelId}::uuid, ${scope.environment}, id, value, class::jsonb, at, ${by}::uuid
    from unnest(${ids}::text[], ${labelColumns(labels)}) as given (id, value, class, at)
    on conflict do nothing
    returning prediction_id as id`);
  if (inserted.length === labels.length) return new Map();
  const fresh = new Set(inserted.map(({ id }) => id));
  const others = sql.param(labels.map(({ id }) => id).filter((id) => !fresh.has(id)));
  const { rows } = await tx.execute<{ id: string; value: number | null; class: string | null }>(sql`
    select prediction_id as id, value, class::text as class from labels
    where ${inScope(labelTable, scope)} and prediction_id = any(${others}::text[])`);
  return new Map(rows.map((row) => [row.id, labelValue(row)]));
}

async function replace(tx: Transaction, scope: Scope, labels: readonly KnownLabel[], by: Id): Promise<void> {
  if (labels.length === 0) return;
  const ids = sql.param(labels.map(({ id }) => id));
  await tx.execute(sql`
    update labels set value = given.value, class = given.class::jsonb, effective_at = given.at, recorded_at = now(),
      recorded_by = ${by}::uuid
    from unnest(${ids}::text[], ${labelColumns(labels)}) as given (id, value, class, at)
    where ${inScope(labelTable, scope)} and labels.prediction_id = given.id`);
}

/**
 * Records corrections in the ledger: the first ones and the digest of all. The rows of all corrections are stored in
 * their own table and expire like labels.
 */
async function recordCorrections(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Scope,
  corrections: readonly Correction[],
  by: Id,
): Promise<void> {
  if (corrections.length === 0) return;
  const { modelId, environment } = scope;
  const now = await environmentNow(context, tx, scope);
  const sorted = corrections.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const labels = corrections.length;
  const { sequence } = await appendLedger(context, tx, {
    modelId,
    environment,
    kind: 'labels.corrected',
    subject: {
      labels,
      corrections: sha256OfJson(sorted),
      first: sorted.slice(0, labelsListed).map(({ id, from, to }) => ({ id, from, to })),
    },
    reason: `${labels} ${labels === 1 ? 'label was' : 'labels were'} corrected`,
    effectiveAt: now,
    by,
  });
  for (let from = 0; from < labels; from += labelsAtOnce) {
    const some = sorted.slice(from, from + labelsAtOnce);
    const ids = sql.param(some.map(({ id }) => id));
    const replaced = sql.param(some.map((correction) => JSON.stringify(correction.from)));
    const replacements = sql.param(some.map((correction) => JSON.stringify(correction.to)));
    await tx.execute(sql`
      insert into label_corrections
        (model_id, sequence, environment, prediction_id, replaced, replacement, effective_at, recorded_by)
      select ${modelId}::uuid, ${sequence}::int, ${environment}, id, replaced::jsonb, replacement::jsonb, ${now}::timestamptz,
        ${by}::uuid
      from unnest(${ids}::text[], ${replaced}::text[], ${replacements}::text[]) as given (id, replaced, replacement)`);
  }
}
