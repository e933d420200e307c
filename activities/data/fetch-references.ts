import { join } from 'node:path';
import type { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Expectation } from '../../contracts/data/expectation.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { ReferencedColumn } from '../../ports/table-engine.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { fetchFiles } from '../steps/workspace.ts';

/**
 * Fetches the columns that expectations refer to, from the other model's dataset in the same environment or, if it has
 * none there, in production.
 */
export async function fetchReferences(
  deps: ActivityDependencies,
  scope: Scope,
  expectations: readonly Expectation[],
  folder: string,
): Promise<readonly ReferencedColumn[]> {
  const fetched = new Map<string, { readonly label: string; readonly parts: readonly string[] }>();
  const references: ReferencedColumn[] = [];
  for (const { references: reference } of expectations) {
    if (reference === undefined) continue;
    const { model, column } = reference;
    const known = fetched.get(model) ?? (await fetchParts(deps, scope, model, join(folder, model)));
    fetched.set(model, known);
    references.push({ model, column, ...known });
  }
  return references;
}

async function fetchParts(
  deps: ActivityDependencies,
  scope: Scope,
  model: string,
  folder: string,
): Promise<{ readonly label: string; readonly parts: readonly string[] }> {
  const dataset = await referencedDataset(deps, scope, model);
  const parts = await fetchFiles(
    deps.objectStore,
    dataset.manifest.parts.map((part) => part.sha256),
    folder,
  );
  return { label: `${model}, dataset ${dataset.number}`, parts };
}

async function referencedDataset(
  { repositories: { models, datasets } }: ActivityDependencies,
  { project, environment }: Scope,
  name: string,
): Promise<DatasetVersion> {
  const { id } = await models.get(project, name);
  for (const place of new Set([environment, 'production'])) {
    const scope = await models.scopeOf(id, place).catch((caught: unknown) => {
      if (caught instanceof PerennialError && caught.code === 'not-found') return undefined;
      throw caught;
    });
    const head = scope === undefined ? undefined : await datasets.head(scope);
    if (head !== undefined) return head;
  }
  throw new PerennialError(
    'no-data',
    `an expectation refers to the dataset of ${name}, but ${name} has no dataset in ${environment}; ingest the data of ${name} first`,
    { model: name, environment },
  );
}
