import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { LabelInput } from '../../contracts/monitoring/label.ts';
import { labelsWaitMs, waitingLabelsAtMost } from '../../contracts/monitoring/label.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { sql } from '../connection/orm.ts';
import { labelColumns } from './stored-value.ts';
import { inScope } from '../connection/in-scope.ts';
import { predictionSegments, waitingLabels } from './label-tables.ts';

/** A label whose prediction is unknown. */
export interface UnknownLabel extends Pick<LabelInput, 'id' | 'request' | 'row'> {
  readonly value: ClassValue;
  readonly at: Instant;
}

type Place = Pick<Scope, 'modelId' | 'environment'>;

const labelsAtOnce = 10_000;

/**
 * Stores labels whose predictions may still arrive; for equal names the last label counts. Returns how many older
 * waiting labels were deleted to make room.
 */
export async function keepWaiting(
  { clock }: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Place,
  labels: readonly UnknownLabel[],
  by: Id,
): Promise<number> {
  if (labels.length === 0) return 0;
  const nameOf = ({ id, request, row }: UnknownLabel): string => JSON.stringify([id, request, row]);
  const lasts = [...new Map(labels.map((label) => [nameOf(label), label])).values()];
  for (let from = 0; from < lasts.length; from += labelsAtOnce)
    await insertWaiting(tx, scope, lasts.slice(from, from + labelsAtOnce), by);
  return forgetOldest(clock.now(), tx, scope);
}

async function insertWaiting(tx: Transaction, scope: Place, labels: readonly UnknownLabel[], by: Id): Promise<void> {
  const ids = sql.param(labels.map(({ id }) => id ?? null));
  const requests = sql.param(labels.map(({ request }) => request ?? null));
  const rows = sql.param(labels.map(({ row }) => row ?? null));
  await tx.execute(sql`
    insert into waiting_labels
      (model_id, environment, prediction_id, request, request_row, value, class, effective_at, recorded_by)
    select ${scope.modelId}::uuid, ${scope.environment}, id, request, request_row, value, class::jsonb, at, ${by}::uuid
    from unnest(${ids}::text[], ${requests}::text[], ${rows}::int[], ${labelColumns(labels)})
      as given (id, request, request_row, value, class, at)
    on conflict on constraint waiting_labels_once do update
      set value = excluded.value, class = excluded.class, effective_at = excluded.effective_at, recorded_at = now(),
        recorded_by = excluded.recorded_by`);
}

/**
 * Deletes waiting labels that are too old or too many. Deletes none while the scope has segments older than the index
 * of predictions, because a label may belong to one of their predictions.
 */
async function forgetOldest(now: Instant, tx: Transaction, scope: Place): Promise<number> {
  const { rowCount } = await tx.execute(sql`
    delete from waiting_labels where ctid = any(array(
      select ctid from (
        select ctid, recorded_at, row_number() over (order by recorded_at desc) as place from waiting_labels
        where ${inScope(waitingLabels, scope)}) as waiting
      where (place > ${waitingLabelsAtMost} or recorded_at < ${now}::timestamptz - ${`${labelsWaitMs} milliseconds`}::interval)
        and not exists (
          select from prediction_segments where ${inScope(predictionSegments, scope)} and not indexed)))`);
  return rowCount ?? 0;
}

export async function countWaiting(db: Executor, scope: Place): Promise<number> {
  const { rows } = await db.execute<{ waiting: number }>(sql`
    select count(*)::int as waiting from waiting_labels where ${inScope(waitingLabels, scope)}`);
  return rows[0]?.waiting ?? 0;
}
