import { join } from 'node:path';
import { BuildPlan, TrainedFiles } from '../../../contracts/models/build-plan.ts';
import { classKey } from '../../../contracts/models/classes.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Id, Sha256 } from '../../../contracts/identifiers.ts';
import type { FormattedModel } from '../../../contracts/model-format.ts';
import { formattedModel, modelFormats } from '../../../contracts/model-format.ts';
import type { ColumnReference, MonitoringReference } from '../../../contracts/models/model-version.ts';
import type { ClassValue, Fill } from '../../../contracts/models/signature.ts';
import type { Answers, EvidenceRows, WantedAnswers } from '../../../ports/model-format.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { estimationOf, estimationStride } from '../../measurement/estimation.ts';
import { featureNumbers } from '../../measurement/feature-numbers.ts';
import { declaredCategories } from '../../measurement/reference-kinds.ts';
import { categoricalReference, numericReference } from '../../measurement/reference-of.ts';
import { classOrder, classesOf } from '../../measurement/classes-of.ts';
import { distinctCells } from '../../measurement/distinct-cells.ts';
import { evidenceTable } from './evidence-table.ts';
import { rowsAt } from '../../measurement/holdout-rows.ts';
import { holdoutSample } from '../../measurement/holdout-samples.ts';
import { inputsThatMayMiss, mustTakeFill, withFill } from './take-missing.ts';
import { rowsOfClasses } from './rows-of-classes.ts';
import { loadModel } from '../../measurement/load-version.ts';
import type { TakenArtifact } from './take-artifact.ts';
import { takeArtifact } from './take-artifact.ts';
import type { FilledRows } from '../../measurement/reference-of-stored.ts';
import { columnsThatMiss, referenceOfStored } from '../../measurement/reference-of-stored.ts';
import { allEnded, readJson, storeJson, withWorkspace } from '../../steps/workspace.ts';

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
  const asked = { columns: [...features, target], target };
  const store = async (sha256: Sha256, path: string, to: string): Promise<StoredColumns> => {
    await deps.objectStore.getFile(sha256, path);
    return deps.tableEngine.storeColumns({ files: [path], ...asked, path: join(folder, to) });
  };
  const [holdout, training] = await allEnded([
    store(plan.holdout, paths.holdout, 'holdout.columns'),
    store(plan.train, paths.train, 'train.columns'),
  ]);
  const classes = task === 'regression' ? [] : classesOf(target, await distinctCells(training, target), task);
  const { fill = {} } = configuration.data;
  const wanted: WantedAnswers = {
    task,
    classes,
    order: classOrder(target, classes, configuration.build.classes),
    output: configuration.build.output,
    evidence:
      task === 'regression' ? undefined : await evidenceOf({ features, target, classes, fill }, { holdout, training }),
  };
  const first = await rowsAt(holdout, asked.columns, firstRows(holdout.rows));
  const trial = { features, sample: withFill(first.columns, fill), rows: first.rows, wanted };
  // The inspection runs in a process of its own.
  const [inspected, references] = await allEnded([
    takeArtifact(deps, { trained, runId, folder }, trial),
    referencesOf(training, { plan, configuration }),
  ]);
  const missing = await columnsThatMiss(holdout, features);
  for (const { name, missing: rows = 0 } of references) if (rows > 0) missing.add(name);
  const inputs = inputsThatMayMiss(inspected.signature, fill, missing);
  inputs.forEach(mustTakeFill);
  const { artifact, artifactBytes } = inspected;
  const taken = { ...formattedModel(inspected.format, { ...inspected.signature, inputs }), artifact, artifactBytes };
  const { sample, prediction } = await measure(deps, taken, { configuration, holdout, target, classes });
  const estimationInputs = sample.task === 'regression' ? await inputsOf(holdout, references) : [];
  const estimation = estimationOf(sample, estimationInputs, references);
  const reference: MonitoringReference = {
    schemaVersion: 1,
    features: references,
    target: await referenceOfStored(training, target, task === 'regression' ? 'numeric' : 'categorical'),
    prediction,
    ...(estimation === undefined ? {} : { estimation }),
  };
  return { taken, reference: await storeJson(deps.objectStore, reference) };
}

async function referencesOf(
  training: StoredColumns,
  { plan, configuration }: Pick<Trained, 'plan' | 'configuration'>,
): Promise<ColumnReference[]> {
  const { fill = {} } = configuration.data;
  const categories = declaredCategories(configuration);
  const references: ColumnReference[] = [];
  for (const feature of plan.trainingKeyParts.features) {
    const kind = categories.has(feature) ? 'categorical' : undefined;
    references.push(await referenceOfStored(training, feature, kind, filledRows(feature, fill, plan)));
  }
  return references;
}

function filledRows(name: string, fill: Readonly<Record<string, Fill>>, plan: BuildPlan): FilledRows | undefined {
  const value = Object.hasOwn(fill, name) ? fill[name] : undefined;
  const rows = plan.trained.filled?.find((filled) => filled.name === name)?.rows;
  return value === undefined || rows === undefined ? undefined : { value, rows };
}

async function evidenceOf(
  columns: Parameters<typeof evidenceTable>[1],
  { holdout, training }: { readonly holdout: StoredColumns; readonly training: StoredColumns },
): Promise<EvidenceRows> {
  const tables = [await evidenceTable(holdout, columns), await evidenceTable(training, { ...columns, fill: {} })];
  return rowsOfClasses(columns, tables);
}

interface Answered {
  readonly sample: Sample;
  readonly prediction: ColumnReference;
}

/** Predicts the held-out rows, and returns the answers with their distribution. */
async function measure(
  deps: ActivityDependencies,
  taken: Taken,
  measured: Parameters<typeof holdoutSample>[1],
): Promise<Answered> {
  const counts = new Map<string, number>();
  const model = await loadModel(deps, taken);
  try {
    const sample = await holdoutSample(model, measured, ({ answers }) => {
      if (measured.configuration.task === 'regression') return;
      refuseStrangeAnswers(taken, answers);
      for (const value of answers.values) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    });
    const prediction =
      sample.task === 'regression'
        ? numericReference('prediction', Float64Array.from(sample.prediction).sort(), sample.prediction.length)
        : categoricalReference('prediction', counts, sample.truth.length);
    return { sample, prediction };
  } finally {
    await model.release();
  }
}

/**
 * Refuses a model that answers holdout rows with a label that is not one of the classes. The inspection may have missed
 * it, because none of the inspected rows got that answer.
 */
function refuseStrangeAnswers(
  { format, signature: { output, classes = [] } }: FormattedModel,
  { values }: Pick<Answers, 'values'>,
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
async function inputsOf(stored: StoredColumns, references: readonly ColumnReference[]): Promise<number[][]> {
  const stride = estimationStride(stored.rows);
  const inputs = references.map((): number[] => []);
  let first = 0;
  for await (const batch of stored.batches(references.map(({ name }) => name))) {
    for (const [at, reference] of references.entries()) {
      const numbers = featureNumbers(batch, at, reference);
      for (let row = (stride - (first % stride)) % stride; row < batch.rows; row += stride)
        inputs[at]?.push(numbers[row] ?? Number.NaN);
    }
    first += batch.rows;
  }
  return inputs;
}

function firstRows(rows: number): number[] {
  return Array.from({ length: Math.min(sampleRows, rows) }, (_, row) => row);
}
