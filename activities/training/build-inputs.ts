import type { CodeVersion } from '../../contracts/code.ts';
import type { DatasetVersion } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { ConfigurationVersion } from '../../contracts/model.ts';
import type { RunRequest } from '../../contracts/run.ts';
import type { RunInput } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { runWithRequest } from '../run-request.ts';

export interface BuildInputs {
  readonly request: Extract<RunRequest, { kind: 'build' }>;
  readonly by: string;
  readonly configuration: ConfigurationVersion;
  readonly dataset: DatasetVersion;
  readonly code: CodeVersion;
}

/** What a build was asked to build from: what the request names, else the heads of the environment. */
export async function buildInputs(deps: ActivityDependencies, { runId, scope }: RunInput): Promise<BuildInputs> {
  const { models, datasets, code } = deps.repositories;
  const { run, request } = await runWithRequest(deps.repositories.runs, runId, 'build');
  const configuration = await models.currentConfiguration(scope);
  const dataset =
    request.datasetVersionId === undefined ? await datasets.head(scope) : await datasets.get(request.datasetVersionId);
  if (dataset === undefined)
    throw new PerennialError(
      'no-data',
      `${scope.model} has no dataset in ${scope.environment}; run perennial data ingest first`,
      { model: scope.model },
    );
  const snapshot = request.codeVersionId === undefined ? await code.head(scope) : await code.get(request.codeVersionId);
  if (snapshot === undefined)
    throw new PerennialError(
      'no-code',
      `${scope.model} has no code in ${scope.environment}; run perennial code snapshot first`,
      { model: scope.model },
    );
  return { request, by: run.recordedBy, configuration, dataset, code: snapshot };
}
