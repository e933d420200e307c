import { batchOfCells } from '../../../contracts/models/batch-of-cells.ts';
import { BuildPlan } from '../../../contracts/models/build-plan.ts';
import type { Configuration } from '../../../contracts/configuration/configuration.ts';
import type { Cell } from '../../../contracts/data/data-types.ts';
import { sha256OfJson } from '../../../contracts/digest.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';
import type { ModelVersion } from '../../../contracts/models/model-version.ts';
import type { ClassValue } from '../../../contracts/models/signature.ts';
import type { ColumnData } from '../../../ports/table-engine.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';
import type { RunInput } from '../../../contracts/pipelines/step.ts';
import type { Activities } from '../../../contracts/pipelines/steps.ts';
import type { ActivityDependencies, StoringDependencies } from '../../activity-dependencies.ts';
import { carriedColumns } from '../training/resolve-build.ts';
import { readJson, withWorkspace } from '../../steps/workspace.ts';
import { blocksOfRows } from './blocks-of-rows.ts';
import { evaluate } from './evaluate.ts';
import { gatherGateEvidence } from '../gates/gather-gate-evidence.ts';
import { heldOutRows } from './held-out-rows.ts';
import { measureImportance } from './measure-importance.ts';
import { loadVersion } from '../../measurement/load-version.ts';
import type { MeasuredRows } from './measured-rows.ts';
import { probabilityIn, sampleOf } from '../../measurement/sample-of.ts';
import { targetsOf } from '../../measurement/targets-of.ts';
import { rowsTrainedOn } from './trained-on.ts';

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
  const { plan, version, champion, configuration } = contest;
  const { build } = configuration;
  const { holdout, heldOutBy } = await readHoldout(deps, contest);
  const rows = await measuredRows(deps, contest, holdout, heldOutBy);
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
    importance: await measureImportance(deps, {
      version,
      configuration,
      holdout,
      target: plan.trainingKeyParts.target,
    }),
  });
}

/**
 * Each row's value, as text, of the column by which the champion's own holdout was split; undefined if these rows lack
 * that column.
 */
type HoldoutKeys = readonly (string | null)[] | undefined;

async function readHoldout(
  deps: ActivityDependencies,
  { plan, version, configuration, champion }: Contest,
): Promise<{ readonly holdout: ColumnData; readonly heldOutBy: HoldoutKeys }> {
  const { features, target, timestamp } = { ...plan.trainingKeyParts, timestamp: configuration.data.timestamp };
  // The champion may need input columns on which this version was not trained.
  const inputs = champion?.signature.inputs.map((input) => input.name) ?? [];
  const columns = [
    ...new Set([
      ...features,
      target,
      ...carriedColumns(configuration),
      ...inputs,
      ...(timestamp === undefined ? [] : ['_at']),
    ]),
  ];
  return withWorkspace(deps.scratchFolder, 'evaluate', async (folder) => {
    const path = await heldOutRows(deps, { plan, version }, columns, folder);
    // Holdouts that older releases of Perennial stored can contain rows without a target.
    const labelled = { column: target, labelledOnly: true };
    const holdout = await deps.tableEngine.readColumns({ files: [path], columns, target: labelled });
    const rule = champion?.trained.holdout;
    if (rule?.kind !== 'fraction' || !columns.includes(rule.by)) return { holdout, heldOutBy: undefined };
    const keys = await deps.tableEngine.readColumns({
      files: [path],
      columns: [rule.by],
      asText: true,
      target: labelled,
    });
    return { holdout, heldOutBy: keys.columns[rule.by]?.map((cell) => (cell === null ? null : String(cell))) };
  });
}

async function measuredRows(
  deps: ActivityDependencies,
  { plan, version, champion, configuration }: Contest,
  holdout: ColumnData,
  heldOutBy: HoldoutKeys,
): Promise<MeasuredRows> {
  const { build, data } = configuration;
  const column = (name: string): readonly Cell[] => holdout.columns[name] ?? Array<Cell>(holdout.rows).fill(null);
  const times = column('_at').map((at) => (at === null ? null : new Date(String(at)).toISOString()));
  const begin = plan.trained.holdout.kind === 'last' ? plan.trained.holdout.from : plan.trained.from;
  const slices = [...new Set(build.gates.flatMap((gate) => ('slice' in gate ? [gate.slice] : [])))];
  const truth = targetsOf(column(plan.trainingKeyParts.target));
  const { classes = [] } = version.signature;
  const asked = { configuration, holdout, truth, classes };
  return {
    challenger: await answersTo(deps, version, asked),
    ...(champion === null ? { champion: null } : await championAnswersTo(deps, champion, asked)),
    blocks: blocksOfRows(times, begin, plan.trained.to, build.block, data.timezone),
    slices: Object.fromEntries(slices.map((name) => [name, column(name)])),
    isChampion: isItself(version, champion),
    // The challenger was never trained on its own holdout, but the champion may have been trained on some of these
    // rows.
    trainedOn: champion === null ? times.map(() => false) : rowsTrainedOn(champion.trained, times, heldOutBy),
  };
}

interface Asked {
  readonly configuration: Configuration;
  readonly holdout: ColumnData;
  readonly truth: readonly ClassValue[];
  readonly classes: readonly ClassValue[];
}

async function answersTo(
  deps: ActivityDependencies,
  version: ModelVersion,
  { configuration, holdout, truth, classes }: Asked,
): Promise<Sample> {
  const model = await loadVersion(deps, version.id);
  try {
    const answers = await model.predict(batchOfCells(model.signature.inputs, holdout.columns, holdout.rows));
    const probabilityOf = probabilityIn(version.signature, answers);
    return sampleOf(configuration, { truth, values: answers.values, probabilityOf }, classes);
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
    return { champion: await answersTo(deps, champion, asked) };
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
