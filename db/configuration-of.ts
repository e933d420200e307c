import { eq } from './orm.ts';
import type { Configuration } from '../contracts/configuration.ts';
import type { Transaction } from './connection.ts';
import type { modelEnvironments } from './schema.ts';
import { configurations } from './schema.ts';

type Heads = typeof modelEnvironments.$inferSelect;

/** The configuration that a scope's locked row points to; undefined before the first. */
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
