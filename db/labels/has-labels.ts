import type { Scope } from '../../contracts/identifiers.ts';
import { inScope } from '../connection/in-scope.ts';
import type { Executor } from '../connection/connect.ts';
import { sql } from '../connection/orm.ts';
import { labels, waitingLabels } from './label-tables.ts';

/** Returns whether any prediction has a label. A waiting label may belong to a prediction older than the index. */
export async function hasLabels(db: Executor, scope: Pick<Scope, 'modelId' | 'environment'>): Promise<boolean> {
  const { rows } = await db.execute<{ found: boolean }>(sql`
    select exists (select from labels where ${inScope(labels, scope)})
      or exists (select from waiting_labels where ${inScope(waitingLabels, scope)}) as found`);
  return rows[0]?.found === true;
}
