import { eq } from '../connection/orm.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Transaction } from '../connection/connect.ts';
import type { modelEnvironments } from '../environments/environment-tables.ts';
import { configurations } from './model-tables.ts';

type Heads = typeof modelEnvironments.$inferSelect;

/** Returns the configuration that a scope's locked row points to; `undefined` before the first one. */
export async function configurationOf(
  tx: Transaction,
  { configurationId }: Pick<Heads, 'configurationId'>,
): Promise<Configuration | undefined> {
  if (configurationId === null) return undefined;
  const [row] = await tx
    .select({ body: configurations.body })
    .from(configurations)
    .where(eq(configurations.id, configurationId));
  return row?.body;
}
