import type { Instant, Scope } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { Executor } from '../connection/connect.ts';
import { sql } from '../connection/orm.ts';
import { storableText } from '../connection/storable.ts';
import type { StoredValue } from './stored-value.ts';
import { epochMs, labelValue } from './stored-value.ts';
import { inScope } from '../connection/in-scope.ts';
import { labels as labelTable, waitingLabels } from './label-tables.ts';

type Row = StoredValue & { id: string; at: number };

/**
 * Returns the labels of these predictions. Includes waiting labels that name a prediction by id, because a prediction
 * older than the index exists only in its segment.
 */
export async function selectLabels(
  db: Executor,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  ids: readonly string[],
): Promise<readonly { readonly id: string; readonly value: ClassValue; readonly at: Instant }[]> {
  const named = sql`prediction_id = any(${sql.param(ids.map(storableText))}::text[])`;
  const columns = sql`prediction_id as id, value, class::text as class, ${epochMs(sql`effective_at`)} as at`;
  const { rows } = await db.execute<Row & Record<string, unknown>>(sql`
    select distinct on (id) * from (
      select ${columns}, 0 as waits from labels where ${inScope(labelTable, scope)} and ${named}
      union all
      select ${columns}, 1 as waits from waiting_labels where ${inScope(waitingLabels, scope)} and ${named}
    ) as found order by id, waits desc`);
  return rows.map(({ id, at, ...row }) => ({ id, value: labelValue(row), at: new Date(at).toISOString() }));
}
