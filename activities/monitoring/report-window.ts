import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { MonitoringReference } from '../../contracts/models/model-version.ts';
import { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import { comparesValues } from '../../contracts/monitoring/drift-tests.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import type { Sample } from '../../statistics/metrics/sample.ts';
import { metricsOf } from '../../statistics/metrics/measure.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import { readJson, withWorkspace } from '../steps/workspace.ts';
import { weightedDriftOf } from './arrange-drift.ts';
import { compareColumns } from './compare-columns.ts';
import { countingOf, wantedOf } from './counted-window.ts';
import { estimateIn, inputsOfEstimate, needsEstimate } from './estimate-in.ts';
import { importanceSharesOf } from './importance-shares.ts';
import { labelDelayOf } from './label-delay.ts';
import { failedIn } from './quality-of.ts';
import { declaredCategories, withCurrentKinds } from '../measurement/reference-kinds.ts';
import type { ReportDependencies } from './reference-window.ts';
import { chooseReference } from './reference-window.ts';
import { servedAnswers } from '../measurement/served-answers.ts';
import type { LabelledWindow } from '../measurement/labelled-window.ts';
import { readLabelledWindow } from '../measurement/labelled-window.ts';
import { servedSample } from '../measurement/served-sample.ts';
import { trafficOf } from './traffic-of.ts';
import { driftVerdicts, performanceVerdicts, qualityVerdicts, tellingTooFew } from './verdicts.ts';

/** Number of equal parts of the window in which a report shows the volume. */
const partsOfVolume = 24;

type Unjudged = Omit<ReportBody, 'findings' | 'triggers'>;
type Reporting = Parameters<Activities['reportWindow']>[0];

/** Compares what was served with its reference, and its answers with the labels that have arrived. */
export function createReportWindow(deps: ReportDependencies): Activities['reportWindow'] {
  return async (input) => {
    const { runId, scope } = input;
    const window = await readJson(deps.objectStore, input.window, MonitoringWindow);
    const { configuration } = await deps.repositories.models.configuration(window.configurationId);
    const { monitor, retrain } = configuration;
    const report = await reportOn(deps, input, window);
    const { recordedBy } = await deps.repositories.runs.get(runId);
    const verdicts = [
      ...driftVerdicts(report.drift, monitor.drift, monitor.minRows),
      ...performanceVerdicts(report, monitor),
      ...qualityVerdicts(report.quality ?? []),
    ];
    const { id, body } = await deps.repositories.monitoring.commitReport(scope, report, verdicts, {
      runId,
      championReleaseId: window.championReleaseId,
      triggerOn: (['drift', 'performance'] as const).filter((kind) => retrain.on.includes(kind)),
      by: recordedBy,
    });
    const count = (state: string) => body.findings.filter((finding) => finding.state === state).length;
    return { kind: 'monitor', reportId: id, opened: count('opened'), closed: count('closed') };
  };
}

async function reportOn(deps: ReportDependencies, { scope }: Reporting, window: MonitoringWindow): Promise<Unjudged> {
  return withWorkspace(deps.scratchFolder, 'monitor', (folder) => reportFrom(deps, scope, window, folder));
}

async function reportFrom(
  deps: ReportDependencies,
  scope: Scope,
  window: MonitoringWindow,
  folder: string,
): Promise<Unjudged> {
  const { models, versions, monitoring } = deps.repositories;
  const { configuration } = await models.configuration(window.configurationId);
  const { monitor } = configuration;
  const champion = await versions.get(window.championVersionId);
  const training = await readJson(deps.objectStore, champion.reference, MonitoringReference);
  const categories = declaredCategories(configuration);
  const compared = withCurrentKinds(training, categories, champion.signature);
  const { reference, told } = await chooseReference(deps, scope, window, compared, { configuration, folder });
  const wanted = wantedOf(reference, monitor.drift);
  const estimated = inputsOfEstimate(configuration, training);
  const features = [...new Set([...wanted.features, ...estimated])];
  const served = await readLabelledWindow(deps, scope, window, configuration.task, {
    ...wanted,
    folder,
    features,
    parts: partsOfVolume,
    // The bounds of another reference are new in each report.
    summaries: told.reference === 'training' ? countingOf(reference, monitor.drift) : undefined,
    needsRows: comparesValues(monitor.drift.numeric) || needsEstimate(configuration, training),
  });
  const importance = await importanceSharesOf(deps, scope, champion.id);
  const { drift, quality, uncounted } = await compareColumns(served, reference, configuration, importance);
  const weightedDrift = weightedDriftOf(drift);
  const sample = await labelledSample(deps, scope, configuration, served);
  const performance = sample === null ? null : metricsOf(sample);
  const estimate = await estimateIn(deps, scope, { configuration, champion: champion.number, served, training });
  const waitingLabels = await monitoring.waitingLabels(scope);
  const [before] = (await monitoring.reports(scope, { limit: 1 })).items;
  return {
    schemaVersion: 1,
    model: scope.model,
    environment: scope.environment,
    from: window.from,
    to: window.to,
    ...told,
    predictions: served.rows,
    labelled: performance?.rows ?? 0,
    ...(served.leftOut.length === 0 ? {} : { leftOut: served.leftOut }),
    ...(served.repeatedIds === null ? {} : { repeatedIds: served.repeatedIds }),
    ...(waitingLabels === 0 ? {} : { waitingLabels }),
    dropped: window.dropped,
    sufficient: served.rows >= monitor.minRows,
    releases: [...served.releases],
    metric: monitor.performance?.metric ?? configuration.build.metric,
    drift: tellingTooFew(drift, monitor.minRows),
    ...(uncounted.length === 0 ? {} : { uncounted }),
    ...(weightedDrift === undefined ? {} : { weightedDrift }),
    quality: [...failedIn(served, monitor.quality), ...quality],
    performance,
    estimate,
    labelDelay: labelDelayOf(served.labelDelaysMs),
    traffic: trafficOf(await monitoring.traffic(scope), before),
    volume: [...served.volume],
  };
}

async function labelledSample(
  deps: ReportDependencies,
  scope: Scope,
  configuration: Configuration,
  served: LabelledWindow,
): Promise<Sample | null> {
  return servedSample(
    deps,
    scope.modelId,
    configuration,
    servedAnswers(served, ({ row }) => served.labels.at(row)),
  );
}
