import { join } from 'node:path';
import { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import { sha256OfJson } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { LoadedModel } from '../../../ports/model-format.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { carriedColumns } from '../training/resolve-build.ts';
import { readJson, withWorkspace } from '../../steps/workspace.ts';
import { blocksOfRows } from './blocks-of-rows.ts';
import { evaluate } from './evaluate.ts';
import { gatherGateEvidence } from '../gates/gather-gate-evidence.ts';
import { heldOutRows } from './held-out-rows.ts';
import { cellsOfColumns, eachRow, timesOf } from '../../measurement/holdout-rows.ts';
import { holdoutSample } from '../../measurement/holdout-samples.ts';
import { measureImportance } from './measure-importance.ts';
import { loadModel } from '../../measurement/load-version.ts';
import type { MeasuredRows } from './measured-rows.ts';
import { trainedOnRow } from './trained-on.ts';

/** Measures the version and the champion on the same held-out rows, and records each gate's verdict. */
export function createEvaluateVersion(deps: StoringDependencies): Activities['evaluateVersion'] {
  return async ({ runId, scope, plan: planDigest, modelVersionId, reused, unchanged }) => {
    const { versions, evaluations, models, runs } = deps.repositories;
    const version = await versions.get(modelVersionId);
    const { unlabelled } = version.trained;
    const told = { kind: 'build', modelVersionId, number: version.number, reused, unlabelled } as const;
    if (unchanged)
      return {
        ...told,
        decision: 'unchanged',
        evaluationId: null,
        reasons: ['the champion was built from the same data, code and parameters'],
      };
    const plan = await readJson(deps.objectStore, planDigest, BuildPlan);
    const champion = plan.championVersionId === null ? null : await versions.get(plan.championVersionId);
    const { configuration } = await models.configuration(plan.configurationId);
    const body = await measureVersion(deps, { runId, scope, plan, version, champion, configuration });
    const { recordedBy } = await runs.get(runId);
    const evaluation = await evaluations.commit(
      scope,
      { modelVersionId, championVersionId: plan.championVersionId, digest: sha256OfJson(body), body },
      { runId, by: recordedBy },
    );
    return {
      ...told,
      decision: evaluation.body.verdict,
      evaluationId: evaluation.id,
      reasons: evaluation.body.reasons,
    };
  };
}

export interface Contest extends RunInput {
  readonly plan: BuildPlan;
  readonly version: ModelVersion;
  readonly champion: ModelVersion | null;
  readonly configuration: Configuration;
}

/** Measures challenger and champion on the held-out rows of the plan, and applies the gates of the configuration. */
export async function measureVersion(deps: StoringDependencies, contest: Contest): Promise<EvaluationBody> {
  return withWorkspace(deps.scratchFolder, 'evaluate', (folder) => measureIn(deps, contest, folder));
}

async function measureIn(deps: StoringDependencies, contest: Contest, folder: string): Promise<EvaluationBody> {
  const { plan, version, champion, configuration } = contest;
  const { build } = configuration;
  const { target } = plan.trainingKeyParts;
  const holdout = await storeHoldout(deps, contest, folder);
  const { rows, importance } = await withModel(deps, version, async (model) => ({
    rows: await measuredRows(deps, contest, holdout, model),
    importance: await measureImportance(deps, model, { version, configuration, holdout, target }),
  }));
  return evaluate({
    modelVersionDigest: version.artifact,
    championVersionDigest: champion?.artifact ?? null,
    holdout: plan.holdout,
    metric: build.metric,
    confidence: build.confidence,
    gates: build.gates,
    seed: build.seed,
    rows,
    unlabelled: plan.trained.unlabelled?.holdout,
    evidence: await gatherGateEvidence(deps, contest, { plan, version, configuration, holdout, rows }),
    importance,
  });
}

/** Returns the column by which the champion's own holdout was split, if these rows have it. */
function championKey({ champion, configuration, plan }: Contest): string | undefined {
  const rule = champion?.trained.holdout;
  return rule?.kind === 'fraction' && heldColumns({ champion, configuration, plan }).includes(rule.by)
    ? rule.by
    : undefined;
}

function heldColumns({
  plan,
  configuration,
  champion,
}: Pick<Contest, 'plan' | 'configuration' | 'champion'>): string[] {
  const { features, target } = plan.trainingKeyParts;
  // The champion may need input columns on which this version was not trained.
  const inputs = champion?.signature.inputs.map((input) => input.name) ?? [];
  const times = configuration.data.timestamp === undefined ? [] : ['_at'];
  return [...new Set([...features, target, ...carriedColumns(configuration), ...inputs, ...times])];
}

async function storeHoldout(deps: ActivityDependencies, contest: Contest, folder: string): Promise<StoredColumns> {
  const columns = heldColumns(contest);
  const key = championKey(contest);
  return deps.tableEngine.storeColumns({
    files: [await heldOutRows(deps, contest, columns, folder)],
    columns,
    texts: key === undefined ? [] : [key],
    // Holdouts that older releases of Perennial stored can contain rows without a target.
    target: contest.plan.trainingKeyParts.target,
    path: join(folder, 'holdout.columns'),
  });
}

async function measuredRows(
  deps: ActivityDependencies,
  contest: Contest,
  holdout: StoredColumns,
  model: LoadedModel,
): Promise<MeasuredRows> {
  const { plan, version, champion, configuration } = contest;
  const { build, data } = configuration;
  const begin = plan.trained.holdout.kind === 'last' ? plan.trained.holdout.from : plan.trained.from;
  const slices = [...new Set(build.gates.flatMap((gate) => ('slice' in gate ? [gate.slice] : [])))];
  const { classes = [] } = version.signature;
  const asked = { configuration, holdout, target: plan.trainingKeyParts.target, classes };
  return {
    challenger: await holdoutSample(model, asked),
    ...(champion === null ? { champion: null } : await championAnswersTo(deps, champion, asked)),
    blocks: blocksOfRows(await timesOf(holdout), begin, plan.trained.to, build.block, data.timezone),
    slices: await cellsOfColumns(holdout, slices),
    isChampion: isItself(version, champion),
    trainedOn:
      champion === null ? Array<boolean>(holdout.rows).fill(false) : await trainedOn(contest, champion, holdout),
  };
}

/**
 * The challenger was never trained on its own holdout, but the champion may have been trained on some of these rows.
 */
async function trainedOn(contest: Contest, champion: ModelVersion, holdout: StoredColumns): Promise<boolean[]> {
  const key = championKey(contest);
  const wasTrained = trainedOnRow(champion.trained, key !== undefined);
  return eachRow(holdout, key === undefined ? undefined : `text ${key}`, (atMs, text) =>
    wasTrained(Number.isNaN(atMs) ? null : new Date(atMs).toISOString(), text),
  );
}

type Asked = Parameters<typeof holdoutSample>[1];

/** Loads the version's model for the duration of the work. */
async function withModel<Result>(
  deps: ActivityDependencies,
  version: ModelVersion,
  work: (model: LoadedModel) => Promise<Result>,
): Promise<Result> {
  const model = await loadModel(deps, version);
  try {
    return await work(model);
  } finally {
    await model.release();
  }
}

/**
 * If the champion cannot answer one of the rows, returns the reason instead of throwing; otherwise no later version
 * could ever be built.
 */
async function championAnswersTo(
  deps: ActivityDependencies,
  champion: ModelVersion,
  asked: Asked,
): Promise<Pick<MeasuredRows, 'champion' | 'championFailure'>> {
  try {
    return { champion: await withModel(deps, champion, (model) => holdoutSample(model, asked)) };
  } catch (caught) {
    if (!(caught instanceof PerennialError) || caught.code !== 'prediction-invalid') throw caught;
    // Only the first clause is kept: the rest of the message advises on a model that is being built.
    const [reason = caught.message] = caught.message.split(';');
    return { champion: null, championFailure: reason };
  }
}

/** Whether the champion is this version itself or the refit of it. */
function isItself(version: ModelVersion, champion: ModelVersion | null): boolean {
  return champion !== null && (champion.id === version.id || champion.trainingKeyParts.refitOf === version.trainingKey);
}
