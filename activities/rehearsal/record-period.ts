import type { Evaluation } from '../../contracts/evaluation.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { MetricName } from '../../contracts/metrics.ts';
import { metricOf } from '../../contracts/metrics.ts';
import { platformViewer } from '../../contracts/principal.ts';
import type { RehearsalPeriod } from '../../contracts/rehearsal.ts';
import type { Report } from '../../contracts/report.ts';
import type { Run } from '../../contracts/run.ts';
import { measure } from '../../statistics/measure.ts';
import type { RehearsalActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { loadVersion } from '../evaluation/load-version.ts';
import { probabilityIn, sampleOf } from '../evaluation/sample-of.ts';
import { withWorkspace } from '../workspace.ts';
import { rowsBetween } from './dataset-rows.ts';
import type { Period } from './periods.ts';
import type { RehearsalContext } from './rehearsal-context.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

type Build = NonNullable<RehearsalPeriod['build']>;

/** Tells the period: what was served and how well, what was found, what was built and what became of it. */
export function createRecordPeriod(deps: ActivityDependencies): RehearsalActivities['recordPeriod'] {
  return async ({ runId, scope, index }) => {
    const context = await rehearsalContext(deps, { runId, scope });
    // Recorded by an attempt that was given up for lost.
    if (index === context.rehearsal.periods.length - 1) return;
    mustBeNext(context, index);
    const period = periodAt(context, index);
    const report = await reportOf(deps, scope, period);
    const performance = report?.body.performance ?? null;
    const build = await buildOf(deps, scope, period, context.configuration.build.metric);
    await deps.repositories.rehearsals.addPeriod(context.rehearsal.id, {
      ...period,
      rows: report?.body.labelled ?? 0,
      metricAsServed: performance === null ? null : metricOf(performance, context.configuration.build.metric),
      metricNeverReplaced: await neverReplaced(deps, scope, context, period),
      findings: (report?.body.findings ?? [])
        .filter((finding) => finding.state !== 'closed')
        .map((finding) => `${finding.kind} of ${finding.subject}`),
      triggers: build === null ? [] : build.because.split(', '),
      build: build === null ? null : build.told,
    });
  };
}

async function reportOf(deps: ActivityDependencies, scope: Scope, period: Period): Promise<Report | undefined> {
  const { items } = await deps.repositories.monitoring.reports(scope, { limit: 20 });
  return items.find((report) => report.body.to === period.to);
}

/** What the rehearsal's own first model would have answered for every row of the period. */
async function neverReplaced(
  deps: ActivityDependencies,
  scope: Scope,
  { rehearsal, configuration }: RehearsalContext,
  period: Period,
): Promise<number | null> {
  const { decided } = await deps.repositories.deployments.servedAt(scope, rehearsal.plan.from);
  const first = decided?.slots.find((slot) => slot.role === 'champion');
  if (first === undefined) return null;
  const rows = await withWorkspace(deps.scratchFolder, 'never', (folder) =>
    rowsBetween(deps, {
      datasetVersionId: rehearsal.plan.datasetVersionId,
      configuration,
      from: period.from,
      to: period.to,
      folder,
    }),
  );
  if (rows.length === 0) return null;
  const model = await loadVersion(deps, first.modelVersionId);
  try {
    const features = Object.fromEntries(
      configuration.data.features.map((feature) => [feature, rows.map((row) => row.features[feature] ?? null)]),
    );
    const answers = await model.predictEach(features, rows.length);
    // Rows without an answer are left out of the metrics, as in monitoring.
    const failed = new Set(answers.failures.map(({ row }) => row));
    const answered = Array.from(rows.keys()).filter((row) => !failed.has(row));
    if (answered.length === 0) return null;
    const probabilityOf = probabilityIn(model.signature, answers);
    const { classes = [] } = model.signature;
    const answeredRows = {
      truth: answered.map((row) => rows[row]?.target ?? null),
      values: answered.map((row) => answers.values[row] ?? Number.NaN),
      probabilityOf: probabilityOf && ((at: number, key: string) => probabilityOf(answered[at] ?? 0, key)),
    };
    const sample = sampleOf(configuration, answeredRows, classes);
    const value = measure(sample, configuration.build.metric);
    return Number.isNaN(value) ? null : value;
  } finally {
    await model.release();
  }
}

async function buildOf(
  deps: ActivityDependencies,
  scope: Scope,
  period: Period,
  metric: MetricName,
): Promise<{ told: Build; because: string } | null> {
  const filter = { project: scope.project, model: scope.model, environment: scope.environment };
  const { items } = await deps.repositories.runs.list(platformViewer, { ...filter, kind: 'build' }, { limit: 20 });
  const run = items.find(({ request }) => request.kind === 'build' && request.automated && request.asOf === period.to);
  if (run === undefined) return null;
  if (run.state !== 'succeeded' || run.outcome.kind !== 'build') {
    const reason = run.state === 'failed' ? run.failure.message : `the build is ${run.state}`;
    return { because: run.because, told: { ...nothingBuilt, decision: 'failed', reasons: [reason], runId: run.id } };
  }
  const { outcome } = run;
  const version = await deps.repositories.versions.get(outcome.modelVersionId);
  const evaluation =
    outcome.evaluationId === null ? undefined : await deps.repositories.evaluations.get(outcome.evaluationId);
  const fate =
    outcome.decision === 'candidate'
      ? await deployed(deps, filter, outcome.evaluationId)
      : {
          decision: outcome.decision === 'unchanged' ? ('unchanged' as const) : ('refused' as const),
          reasons: outcome.reasons,
          release: null,
        };
  const told: Build = {
    ...fate,
    runId: run.id,
    modelVersion: version.number,
    artifact: version.artifact,
    dataset: version.trained.dataset,
    evaluation: evaluation?.digest ?? null,
    trainingRows: version.trained.trainingRows,
    holdoutRows: version.trained.holdoutRows,
    ...measured(evaluation, metric),
  };
  return { told, because: run.because };
}

const nothingBuilt = {
  modelVersion: null,
  artifact: null,
  dataset: null,
  evaluation: null,
  release: null,
  challengerMetric: null,
  championMetric: null,
  gain: null,
  trainingRows: null,
  holdoutRows: null,
};

function measured(
  evaluation: Evaluation | undefined,
  metric: MetricName,
): Pick<Build, 'challengerMetric' | 'championMetric' | 'gain'> {
  if (evaluation === undefined) return { challengerMetric: null, championMetric: null, gain: null };
  const { challenger, champion, gain } = evaluation.body;
  return {
    challengerMetric: metricOf(challenger, metric),
    championMetric: champion === null ? null : metricOf(champion, metric),
    gain,
  };
}

async function deployed(
  deps: ActivityDependencies,
  filter: { project: string; model: string; environment: string },
  evaluationId: string | null,
): Promise<Pick<Build, 'decision' | 'reasons' | 'release'>> {
  const { items } = await deps.repositories.runs.list(platformViewer, { ...filter, kind: 'deploy' }, { limit: 20 });
  const run: Run | undefined = items.find(
    ({ request }) => request.kind === 'deploy' && request.evaluationId === evaluationId,
  );
  if (run === undefined)
    return { decision: 'refused', reasons: ['no deployment was made of the candidate'], release: null };
  if (run.state !== 'succeeded' || run.outcome.kind !== 'deploy')
    return {
      decision: 'failed',
      reasons: [run.state === 'failed' ? run.failure.message : `the deployment is ${run.state}`],
      release: null,
    };
  const { decision, reasons, releaseDigest } = run.outcome;
  return { decision: decision === 'promoted' ? 'promoted' : 'refused', reasons, release: releaseDigest };
}
