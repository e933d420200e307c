import { PerennialError } from '../../contracts/errors.ts';
import type { Evaluation } from '../../contracts/models/evaluation.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { MetricName } from '../../contracts/models/metrics.ts';
import { metricOf } from '../../contracts/models/metrics.ts';
import { platformViewer } from '../../contracts/access/principal.ts';
import type { RehearsalPeriod } from '../../contracts/runs/rehearsal.ts';
import type { Report } from '../../contracts/monitoring/report.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { neverReplaced } from './never-replaced.ts';
import type { Period } from './periods.ts';
import { mustBeNext, periodAt, rehearsalContext } from './rehearsal-context.ts';

type Build = NonNullable<RehearsalPeriod['build']>;

/** Records the period: what was served and its metric, the findings, and what was built and deployed. */
export function createRecordPeriod(deps: ActivityDependencies): Activities['recordPeriod'] {
  return async ({ runId, scope, index, served }) => {
    const context = await rehearsalContext(deps, { runId, scope });
    // A lost attempt has already recorded it.
    if (index === context.rehearsal.periods.length - 1) return;
    mustBeNext(context, index);
    if (served === undefined)
      throw new PerennialError('unproven', `no served rows are known for period ${index}; serve the period first`, {
        index,
      });
    const period = periodAt(context, index);
    const report = await reportOf(deps, scope, period);
    const performance = report?.body.performance ?? null;
    const build = await buildOf(deps, scope, period, context.configuration.build.metric);
    await deps.repositories.rehearsals.addPeriod(context.rehearsal.id, {
      ...period,
      rows: report?.body.labelled ?? 0,
      ...served,
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
  if (run === undefined) return { decision: 'refused', reasons: ['the candidate was not deployed'], release: null };
  if (run.state !== 'succeeded' || run.outcome.kind !== 'deploy')
    return {
      decision: 'failed',
      reasons: [run.state === 'failed' ? run.failure.message : `the deployment is ${run.state}`],
      release: null,
    };
  const { decision, reasons, releaseDigest } = run.outcome;
  return { decision: decision === 'promoted' ? 'promoted' : 'refused', reasons, release: releaseDigest };
}
