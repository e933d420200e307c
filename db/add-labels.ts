import { sql } from './orm.ts';
import type { Id, Scope } from '../contracts/identifiers.ts';
import { ClassValue } from '../contracts/model-version.ts';
import type { LabelInput } from '../contracts/prediction.ts';
import type { MonitoringRepository } from '../ports/repositories/monitoring.ts';
import type { Transaction } from './connection.ts';
import type { RepositoryContext } from './context.ts';
import { environmentNow } from './context.ts';
import { labels } from './schema.ts';
import { storableText } from './storable.ts';

type Added = Awaited<ReturnType<MonitoringRepository['addLabels']>>;
type Label = Required<LabelInput>;

const labelsAtOnce = 10_000;

/** One label an id: the first that came, in the order given. What the same batch says again is told apart as it would be later. */
export async function addLabels(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Scope,
  inputs: readonly LabelInput[],
  by: Id,
): Promise<Added> {
  const now = await environmentNow(context, tx, scope);
  const given = inputs.map(({ id, value, at }): Label => ({
    id: storableText(id),
    value: typeof value === 'string' ? storableText(value) : value,
    at: at ?? now,
  }));
  const firsts = new Map<string, Label>();
  for (const label of given) if (!firsts.has(label.id)) firsts.set(label.id, label);
  // In one order, so that two batches with the same ids never wait for each other in a ring.
  const ordered = [...firsts.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const known = new Map<string, ClassValue>();
  for (let from = 0; from < ordered.length; from += labelsAtOnce) {
    const some = ordered.slice(from, from + labelsAtOnce);
    for (const { id, value } of await insertNew(tx, scope, some, by)) known.set(id, value);
  }
  const told = tell(given, firsts, known);
  await countConflicts(tx, scope, told.conflicts);
  return told;
}

/** Inserts those whose id is new; answers what the others have had before. */
async function insertNew(
  tx: Transaction,
  { modelId, environment }: Scope,
  some: readonly Label[],
  by: Id,
): Promise<readonly { readonly id: string; readonly value: ClassValue }[]> {
  const ids = sql.param(some.map((label) => label.id));
  const values = sql.param(some.map(({ value }) => (typeof value === 'number' ? value : null)));
  const classes = sql.param(some.map(({ value }) => (typeof value === 'number' ? null : JSON.stringify(value))));
  const times = sql.param(some.map((label) => label.at));
  const { rows: inserted } = await tx.execute<{ id: string }>(sql`
    insert into labels (model_id, environment, prediction_id, value, class, effective_at, recorded_by)
    select ${modelId}::uuid, ${environment}, id, value, class::jsonb, at, ${by}::uuid
    from unnest(${ids}::text[], ${values}::float8[], ${classes}::text[], ${times}::timestamptz[])
      with ordinality as given (id, value, class, at, place)
    order by place
    on conflict do nothing
    returning prediction_id as id`);
  if (inserted.length === some.length) return [];
  const fresh = new Set(inserted.map((row) => row.id));
  const others = sql.param(some.map((label) => label.id).filter((id) => !fresh.has(id)));
  const { rows } = await tx.execute<{ id: string; value: number | null; class: string | null }>(sql`
    select prediction_id as id, value, class::text as class from labels
    where model_id = ${modelId}::uuid and environment = ${environment} and prediction_id = any(${others}::text[])`);
  return rows.map(({ id, ...row }) => ({ id, value: labelValue(row) }));
}

/** As JSON: drizzle would parse the class "1", a text, into the number. */
export const labelClass = sql<string | null>`${labels.class}::text`;

/** A row has one of the two. */
export function labelValue(row: { readonly value: number | null; readonly class: string | null }): ClassValue {
  return row.value ?? ClassValue.parse(JSON.parse(row.class ?? 'null'));
}

function tell(
  given: readonly Label[],
  firsts: ReadonlyMap<string, Label>,
  known: ReadonlyMap<string, ClassValue>,
): Added {
  let accepted = 0;
  let repeated = 0;
  const conflicts: { id: string; kept: ClassValue; given: ClassValue }[] = [];
  for (const label of given) {
    const first = firsts.get(label.id);
    const kept = known.get(label.id) ?? first?.value ?? label.value;
    if (label === first && !known.has(label.id)) accepted += 1;
    else if (kept === label.value) repeated += 1;
    else conflicts.push({ id: label.id, kept, given: label.value });
  }
  return { accepted, repeated, conflicts };
}

/** Each label says how often another value was given for it: a batch that is sent again says so again. */
async function countConflicts(
  tx: Transaction,
  { modelId, environment }: Scope,
  conflicts: Added['conflicts'],
): Promise<void> {
  if (conflicts.length === 0) return;
  const ids = sql.param(conflicts.map((conflict) => conflict.id));
  await tx.execute(sql`
    with contested as (select id, count(*)::int as times from unnest(${ids}::text[]) as given (id) group by id),
    held as (
      select labels.prediction_id, contested.times from labels join contested on contested.id = labels.prediction_id
      where labels.model_id = ${modelId}::uuid and labels.environment = ${environment}
      order by labels.prediction_id for update of labels
    )
    update labels set conflicts = conflicts + held.times from held
    where labels.model_id = ${modelId}::uuid and labels.environment = ${environment} and labels.prediction_id = held.prediction_id`);
}
