import { eq, max } from './orm.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { Transaction } from './connect.ts';
import { lockModel } from './repository-context.ts';
import type { codeVersions } from '../code/code-tables.ts';
import type { configurations } from '../models/model-tables.ts';
import type { datasetVersions } from '../datasets/dataset-tables.ts';
import type { modelVersions } from '../versions/version-tables.ts';
import type { releases } from '../deployments/deployment-tables.ts';

type Numbered =
  | typeof codeVersions
  | typeof configurations
  | typeof datasetVersions
  | typeof modelVersions
  | typeof releases;

/**
 * Returns the number after the model's newest row. Numbers start at 1 and have no gaps, because the model stays locked
 * until the transaction ends.
 */
export async function nextNumber(tx: Transaction, table: Numbered, modelId: Id): Promise<number> {
  await lockModel(tx, modelId);
  const [newest] = await tx
    .select({ number: max(table.number) })
    .from(table)
    .where(eq(table.modelId, modelId));
  return (newest?.number ?? 0) + 1;
}
