import type { CodeVersion } from '../../../contracts/code/code-version.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { ConfigurationVersion } from '../../../contracts/models/model.ts';
import type { Scope } from '../../../contracts/identifiers.ts';
import type { RunInputs, RunRequest } from '../../../contracts/runs/run.ts';
import type { ModelRepository } from '../../../ports/repositories/model-repository.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { ActivityDependencies } from '../../activity-dependencies.ts';
import { runWithRequest } from '../../steps/run-request.ts';

export interface BuildInputs {
  readonly request: Extract<RunRequest, { kind: 'build' }>;
  readonly by: string;
  readonly configuration: ConfigurationVersion;
  readonly dataset: DatasetVersion;
  readonly code: CodeVersion;
}

/**
 * Returns the inputs of a build: those that the request names, or else those that the environment had when the run
 * began.
 */
export async function buildInputs(
  deps: Pick<ActivityDependencies, 'repositories'>,
  { runId, scope }: RunInput,
): Promise<BuildInputs> {
  const { models, datasets, code } = deps.repositories;
  const { run, request } = await runWithRequest(deps.repositories.runs, runId, 'build');
  const begunWith = await deps.repositories.runs.inputs(scope, runId);
  const configuration = await configurationOfRun(models, scope, begunWith);
  const datasetId = request.datasetVersionId ?? begunWith.datasetVersionId;
  if (datasetId === null)
    throw new PerennialError(
      'no-data',
      `${scope.model} has no dataset in ${scope.environment}; run perennial data ingest first`,
      { model: scope.model },
    );
  const codeId = request.codeVersionId ?? begunWith.codeVersionId;
  if (codeId === null)
    throw new PerennialError(
      'no-code',
      `${scope.model} has no code in ${scope.environment}; run perennial code snapshot first`,
      { model: scope.model },
    );
  const [dataset, snapshot] = [await datasets.get(datasetId), await code.get(codeId)];
  return { request, by: run.recordedBy, configuration, dataset, code: snapshot };
}

/**
 * Returns the configuration that was recorded with the run, or else the current one. If there is none, the error says
 * what to do.
 */
export function configurationOfRun(
  models: ModelRepository,
  scope: Scope,
  { configurationId }: RunInputs,
): Promise<ConfigurationVersion> {
  return configurationId === null ? models.currentConfiguration(scope) : models.configuration(configurationId);
}
