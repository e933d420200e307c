import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import { join } from 'node:path';
import { BuildPlan, TrainedFiles } from '../../../contracts/models/build-plan.ts';
import { classKey } from '../../../contracts/models/classes.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Id } from '../../../contracts/identifiers.ts';
import type { FormattedModel } from '../../../contracts/model-format.ts';
import { formattedModel, modelFormats } from '../../../contracts/model-format.ts';
import type { ColumnReference, MonitoringReference } from '../../../contracts/models/model-version.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { Answers, WantedAnswers } from '../../../ports/model-format.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { numberOfCell } from '../../measurement/column-values.ts';
import { estimationOf, estimationStride } from '../../measurement/estimation.ts';
import { declaredCategories } from '../../measurement/reference-kinds.ts';
import { referenceOf } from '../../measurement/reference-of.ts';
import { classOrder, classesOf } from '../../measurement/classes-of.ts';
import { inputsThatMayMiss, mustTakeFill, withFill, withoutFill } from './take-missing.ts';
import { rowsOfClasses } from './rows-of-classes.ts';
import { probabilityIn, sampleOf } from '../../measurement/sample-of.ts';
import { targetsOf } from '../../measurement/targets-of.ts';
import { loadModel } from '../../measurement/load-version.ts';
import type { TakenArtifact } from './take-artifact.ts';
import { takeArtifact } from './take-artifact.ts';
import { readJson, storeJson, withWorkspace } from '../../steps/workspace.ts';

/** Number of rows on which a model is tried when it is loaded for the first time. */
const sampleRows = 50;

/**
 * Inspects the artifact in a separate process, builds the monitoring reference from its training rows, and commits the
 * version.
 */
export function createCommitVersion(deps: StoringDependencies): Activities['commitVersion'] {
  return async ({ runId, scope, plan: planDigest, trained: trainedDigest }) => {
    const plan = await readJson(deps.objectStore, planDigest, BuildPlan);
    const trained = await readJson(deps.objectStore, trainedDigest, TrainedFiles);
    const { configuration } = await deps.repositories.models.configuration(plan.configurationId);
    const { taken, reference } = await withWorkspace(deps.scratchFolder, 'inspect', (folder) =>
      look(deps, { runId, plan, trained, configuration }, folder),
    );
    const run = await deps.repositories.runs.get(runId);
    const version = await deps.repositories.versions.commit(
      scope,
      {
        ...taken,
        reference,
        trainingKey: plan.trainingKey,
        trainingKeyParts: plan.trainingKeyParts,
        trained: plan.trained,
        datasetVersionId: plan.datasetVersionId,
        codeVersionId: plan.codeVersionId,
        configurationId: plan.configurationId,
        scriptMetrics: trained.scriptMetrics,
        files: trained.files,
        runId,
      },
      { by: run.recordedBy, leaseHolder: trained.leaseHolder },
    );
    return { modelVersionId: version.id };
  };
}

type Taken = FormattedModel & Pick<TakenArtifact, 'artifact' | 'artifactBytes'>;

interface Trained {
  readonly runId: Id;
  readonly plan: BuildPlan;
  readonly trained: TrainedFiles;
  readonly configuration: Configuration;
}

async function look(
  deps: StoringDependencies,
  { runId, plan, trained, configuration }: Trained,
  folder: string,
): Promise<{ readonly taken: Taken; readonly reference: string }> {
  const { features, target } = plan.trainingKeyParts;
  const { task } = configuration;
  const paths = {
    train: join(folder, 'train.parquet'),
    holdout: join(folder, 'holdout.parquet'),
  };
  await deps.objectStore.getFile(plan.train, paths.train);
  await deps.objectStore.getFile(plan.holdout, paths.holdout);
  const asked = { columns: [...features, target], target: { column: target, labelledOnly: true } };
  const holdout = await deps.tableEngine.readColumns({ files: [paths.holdout], ...asked });
  const training = await deps.tableEngine.readColumns({ files: [paths.train], ...asked });
  const classes = task === 'regression' ? [] : classesOf(target, training.columns[target] ?? [], task);
  const { fill = {} } = configuration.data;
  const filled: ColumnData = { ...holdout, columns: withFill(holdout.columns, fill) };
  const wanted: WantedAnswers = {
    task,
    classes,
    order: classOrder(target, classes, configuration.build.classes),
    output: configuration.build.output,
    evidence: task === 'regression' ? undefined : rowsOfClasses({ features, target, classes }, [filled, training]),
  };
  const inspected = await takeArtifact(
    deps,
    { trained, runId, folder },
    { features, sample: firstRows(filled), rows: Math.min(sampleRows, holdout.rows), wanted },
  );
  const unfilled = withoutFill(training.columns, fill, plan.trained.filled);
  const inputs = inputsThatMayMiss(inspected.signature, fill, [unfilled, holdout.columns]);
  inputs.forEach(mustTakeFill);
  const { artifact, artifactBytes } = inspected;
  const taken = { ...formattedModel(inspected.format, { ...inspected.signature, inputs }), artifact, artifactBytes };
  const { signature } = taken;
  const answers = await predict(deps, taken, holdout);
  if (task !== 'regression') refuseStrangeAnswers(taken, answers);
  const kind = task === 'regression' ? 'numeric' : 'categorical';
  const categories = declaredCategories(configuration);
  const featureReferences = features.map((feature) =>
    referenceOf(feature, unfilled[feature] ?? [], categories.has(feature) ? 'categorical' : undefined),
  );
  const truth = targetsOf(holdout.columns[target] ?? []);
  const probabilityOf = probabilityIn(signature, answers);
  const sample = sampleOf(configuration, { truth, values: answers.values, probabilityOf }, classes);
  const estimation = estimationOf(sample, inputsOf(holdout, featureReferences), featureReferences);
  const reference: MonitoringReference = {
    schemaVersion: 1,
    features: featureReferences,
    target: referenceOf(target, training.columns[target] ?? [], kind),
    prediction: referenceOf('prediction', Array.from<ClassValue>(answers.values), kind),
    ...(estimation === undefined ? {} : { estimation }),
  };
  return { taken, reference: await storeJson(deps.objectStore, reference) };
}

/**
 * Refuses a model that answers holdout rows with a label that is not one of the classes. The inspection may have missed
 * it, because none of the inspected rows got that answer.
 */
function refuseStrangeAnswers(
  { format, signature: { output, classes = [] } }: FormattedModel,
  { values }: Answers,
): void {
  const known = new Set(classes.map(classKey));
  const strange = Array.from<ClassValue>(values).find((value) => !known.has(classKey(value)));
  if (strange === undefined) return;
  throw new PerennialError(
    'artifact-invalid',
    `${modelFormats[format].writes} answers ${JSON.stringify(strange)} in its output "${output.name}" for rows of the holdout, but the training rows have no such class; train on the values of the target as the data has them, or set build.classes`,
    { output: output.name },
  );
}

/** Returns the values that the estimation is fitted to. */
function inputsOf({ columns, rows }: ColumnData, references: readonly ColumnReference[]): ArrayLike<number>[] {
  const stride = estimationStride(rows);
  return references.map((reference) => {
    const places = reference.kind === 'numeric' ? null : new Map(reference.categories.map((name, at) => [name, at]));
    const cells = (columns[reference.name] ?? []).filter((_, row) => row % stride === 0);
    return cells.map((cell) =>
      places === null || cell === null ? numberOfCell(cell) : (places.get(String(cell)) ?? Number.NaN),
    );
  });
}

function firstRows({ columns }: ColumnData): ColumnData['columns'] {
  return Object.fromEntries(Object.entries(columns).map(([name, cells]) => [name, cells.slice(0, sampleRows)]));
}

async function predict(deps: ActivityDependencies, taken: Taken, rows: ColumnData): Promise<Answers> {
  const model = await loadModel(deps, taken);
  try {
    return await model.predict(batchOfCells(model.signature.inputs, rows.columns, rows.rows));
  } finally {
    await model.release();
  }
}
