import { join } from 'node:path';
import type { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { DatasetVersion } from '../../../contracts/data/dataset-version.ts';
import { sha256OfJson } from '../../../contracts/digest.ts';
import { shiftInstant } from '../../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { Id, Instant, Scope, Sha256 } from '../../../contracts/identifiers.ts';
import type { ModelVersion, TrainedRows, TrainingKeyParts } from '../../../contracts/models/model-version.ts';
import type { HoldoutRule } from '../../../ports/table-engine.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import { computedApart } from '../../steps/computed-apart.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { allEnded, fetchFiles, storeJson, withWorkspace } from '../../steps/workspace.ts';
import type { BuildInputs } from './build-inputs.ts';
import { buildInputs } from './build-inputs.ts';
import { createCheckClassOrder } from './check-class-order.ts';
import { mustHaveTypes } from './check-features.ts';
import { mustSuitTask } from './check-target.ts';

/** Lower end of the window of a build that has no window; earlier than all data. */
const beginningOfTime = '0001-01-01T00:00:00.000Z';

/**
 * Fixes the rows and thereby the training key. If a version with the same training key exists, it is reused instead of
 * trained again.
 */
export function createResolveBuild(deps: StoringDependencies): Activities['resolveBuild'] {
  return async ({ runId, scope, interpreter, platform }) => {
    const inputs = await buildInputs(deps, { runId, scope });
    const split = await splitRows(deps, inputs);
    const trainingKeyParts = keyParts(inputs, split, { interpreter, platform });
    const trainingKey = sha256OfJson(trainingKeyParts);
    const champion = await deps.repositories.deployments.champion(scope);
    const existing = await trainedBefore(deps, scope, trainingKey);
    const championVersionId = champion?.slot.modelVersionId ?? null;
    const plan: BuildPlan = {
      schemaVersion: 1,
      asOf: inputs.request.asOf,
      datasetVersionId: inputs.dataset.id,
      codeVersionId: inputs.code.id,
      configurationId: inputs.configuration.id,
      train: split.train,
      holdout: split.holdout,
      validation: split.validation,
      trained: split.trained,
      trainingKey,
      trainingKeyParts,
      championVersionId,
    };
    const refit = await planRefit(deps, scope, plan, split.all);
    // With `build.refit`, the refitted version is the one that gets deployed.
    const last = refit === null ? existing?.id : refit.modelVersionId;
    const unchanged = existing !== undefined && championVersionId !== null && last === championVersionId;
    return {
      plan: await storeJson(deps.objectStore, plan),
      modelVersionId: unchanged ? championVersionId : (existing?.id ?? null),
      unchanged,
      refit,
    };
  };
}

/** Plans the same training on all rows including the holdout. The rows differ, so the training key does too. */
async function planRefit(
  deps: StoringDependencies,
  scope: Scope,
  evaluated: BuildPlan,
  all: Sha256 | null,
): Promise<{ readonly plan: Sha256; readonly modelVersionId: Id | null } | null> {
  if (all === null) return null;
  const trainingKeyParts = { ...evaluated.trainingKeyParts, training: all, refitOf: evaluated.trainingKey };
  const trainingKey = sha256OfJson(trainingKeyParts);
  const { trainingRows, holdoutRows, unlabelled, filled } = evaluated.trained;
  const trained: TrainedRows = {
    ...evaluated.trained,
    holdout: { kind: 'none' },
    trainingRows: trainingRows + holdoutRows,
    holdoutRows: 0,
    ...(unlabelled === undefined
      ? {}
      : { unlabelled: { training: unlabelled.training + unlabelled.holdout, holdout: 0 } }),
    ...(filled === undefined
      ? {}
      : { filled: filled.map(({ name, rows, heldOut }) => ({ name, rows: rows + heldOut, heldOut: 0 })) }),
  };
  const plan: BuildPlan = { ...evaluated, train: all, trained, trainingKey, trainingKeyParts };
  const existing = await trainedBefore(deps, scope, trainingKey);
  return { plan: await storeJson(deps.objectStore, plan), modelVersionId: existing?.id ?? null };
}

/** Returns the version with the same training key; undefined if there is none or retention has deleted its bytes. */
async function trainedBefore(
  deps: ActivityDependencies,
  scope: Scope,
  trainingKey: Sha256,
): Promise<ModelVersion | undefined> {
  const version = await deps.repositories.versions.byTrainingKey(scope.modelId, trainingKey);
  if (version === undefined || (await deps.objectStore.size(version.artifact)) === undefined) return undefined;
  return version;
}

interface Split extends Pick<BuildPlan, 'train' | 'holdout' | 'validation' | 'trained'> {
  /** Digest of training rows and holdout together; null without `build.refit`. */
  readonly all: Sha256 | null;
}

async function splitRows(
  deps: StoringDependencies,
  { request, configuration: { configuration }, dataset, code }: BuildInputs,
): Promise<Split> {
  const { data, build } = configuration;
  const to = request.asOf;
  const from = data.window === undefined ? beginningOfTime : shiftInstant(to, data.window, -1, data.timezone);
  const holdout = holdoutRule(configuration, to);
  return withWorkspace(deps.scratchFolder, 'resolve', async (folder) => {
    const parts = await fetchFiles(deps.objectStore, partsWithin(dataset, from, to), join(folder, 'parts'));
    const paths = {
      train: join(folder, 'train.parquet'),
      holdout: join(folder, 'holdout.parquet'),
      validation: join(folder, 'validation.parquet'),
      all: join(folder, 'all.parquet'),
    };
    const timed = data.timestamp !== undefined;
    const rows = await deps.tableEngine.splitWindow({
      parts,
      from: timed && data.window !== undefined ? from : undefined,
      to: timed ? to : undefined,
      holdout,
      features: data.features,
      target: data.target,
      carried: carriedColumns(configuration),
      key: data.key,
      fill: data.fill,
      trainPath: paths.train,
      holdoutPath: paths.holdout,
      validationPath: code.manifest.validation ? paths.validation : undefined,
      allPath: build.refit ? paths.all : undefined,
    });
    // Must come after the split: a column without any value has no useful type, and the split reports that first.
    mustSuitTask(configuration, dataset);
    mustHaveTypes(configuration, dataset);
    if (configuration.task !== 'regression' && build.classes !== undefined) {
      const checkClassOrder = computedApart(deps, 'checkClassOrder', createCheckClassOrder(deps));
      await checkClassOrder({
        train: paths.train,
        target: data.target,
        task: configuration.task,
        classes: build.classes,
      });
    }
    const trained: TrainedRows = { dataset: dataset.digest, from, to, holdout, ...rows };
    const store = async (path: string) => (await deps.objectStore.putFile(path)).sha256;
    const [train, held, validation, all] = await allEnded([
      store(paths.train),
      store(paths.holdout),
      code.manifest.validation ? store(paths.validation) : null,
      build.refit ? store(paths.all) : null,
    ]);
    return { train, holdout: held, validation, all, trained };
  });
}

function holdoutRule({ build: { holdout }, data }: Configuration, to: Instant): HoldoutRule {
  if ('fraction' in holdout) return { kind: 'fraction', fraction: holdout.fraction, by: holdout.by };
  if (data.timestamp === undefined) {
    throw new PerennialError(
      'invalid-configuration',
      'build.holdout.last needs data.timestamp; set data.timestamp, or use build.holdout.fraction',
      { key: 'build.holdout' },
    );
  }
  return { kind: 'last', from: shiftInstant(to, holdout.last, -1, data.timezone) };
}

/**
 * Returns the columns that the holdout contains besides features and target: those that gate slices and the holdout
 * rule need, and the row key.
 */
export function carriedColumns({ data, build }: Configuration): string[] {
  const slices = build.gates.flatMap((gate) => ('slice' in gate ? [gate.slice] : []));
  const keys = [data.key, 'fraction' in build.holdout ? build.holdout.by : undefined].filter(
    (column) => column !== undefined,
  );
  const known = new Set([...data.features, data.target]);
  return [...new Set([...slices, ...keys])].filter((column) => !known.has(column));
}

/** Returns the digests of the parts that may hold rows of the window. A part without times may hold any row. */
export function partsWithin(dataset: DatasetVersion, from: Instant, to: Instant): string[] {
  return dataset.manifest.parts
    .filter((part) => (part.from === undefined || part.from < to) && (part.to === undefined || part.to >= from))
    .map((part) => part.sha256);
}

function keyParts(
  { request, configuration: { configuration }, code }: BuildInputs,
  split: Split,
  machine: { interpreter: string; platform: string },
): TrainingKeyParts {
  const { classes, output } = configuration.build;
  return {
    schemaVersion: 1,
    training: split.train,
    holdout: split.holdout,
    target: configuration.data.target,
    features: configuration.data.features,
    code: code.digest,
    environment: { lock: code.manifest.environment?.lock ?? null, ...machine },
    params: { ...configuration.build.params, ...request.params },
    seed: configuration.build.seed,
    ...(configuration.data.fill === undefined ? {} : { fill: configuration.data.fill }),
    ...(classes === undefined ? {} : { classes }),
    ...(output === undefined ? {} : { output }),
  };
}
