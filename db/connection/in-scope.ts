import type { Scope } from '../../contracts/identifiers.ts';
import type { PgColumn, SQL } from './orm.ts';
import { and, eq } from './orm.ts';

/** Returns the condition that selects a table's rows of one model in one environment. */
export function inScope(
  table: { readonly modelId: PgColumn; readonly environment: PgColumn },
  { modelId, environment }: Pick<Scope, 'modelId' | 'environment'>,
): SQL | undefined {
  return and(eq(table.modelId, modelId), eq(table.environment, environment));
}
