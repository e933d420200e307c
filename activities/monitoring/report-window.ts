import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { MonitoringReference } from '../../contracts/models/model-version.ts';
import { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { PerformanceEstimate, ReportBody } from '../../contracts/monitoring/report.ts';
import type { ServedRows } from '../../ports/table-engine.ts';
import { metricsOf } from '../../statistics/metrics/measure.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import { readJson } from '../steps/workspace.ts';
import { driftInWindow, weightedDriftOf } from './drift-in-window.ts';
import { estimateFrom, wantsEstimate } from '../measurement/estimation.ts';
import { importanceSharesOf } from './importance-shares.ts';
import { labelDelayOf } from './label-delay.ts';
import { failedIn, qualityOf } from './quality-of.ts';
import { declaredCategories, withCurrentKinds } from '../measurement/reference-kinds.ts';
import type { ReportDependencies } from './reference-window.ts';
import { chooseReference, measurableIn } from './reference-window.ts';
import { servedCells } from '../measurement/served-cells.ts';
import { servedSample } from '../measurement/served-sample.ts';
import { trafficOf, volumeOf } from './traffic-of.ts';
import { driftVerdicts, performanceVerdicts, qualityVerdicts, tellingTooFew } from './verdicts.ts';

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
  const { models, versions, monitoring } = deps.repositories;
  const { configuration } = await models.configuration(window.configurationId);
  const { monitor } = configuration;
  const champion = await versions.get(window.championVersionId);
  const training = await readJson(deps.objectStore, champion.reference, MonitoringReference);
  const categories = declaredCategories(configuration);
  const compared = withCurrentKinds(training, categories, champion.signature);
  const { reference, told } = await chooseReference(deps, scope, window, compared, configuration);
  const served = await measurableIn(deps, scope, window, configuration.task);
  const importance = await importanceSharesOf(deps, scope, champion.id);
  const drift = driftInWindow(served, reference, monitor.drift, importance, (column) => ({
    category: categories.has(column),
    missing: monitor.quality?.missing,
  }));
  const weightedDrift = weightedDriftOf(drift);
  const sample = await servedSample(deps, scope.modelId, configuration, served);
  const performance = sample === null ? null : metricsOf(sample);
  const estimate = await estimateIn(deps, scope, configuration, champion.number, served, training);
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
    releases: releasesIn(served),
    metric: monitor.performance?.metric ?? configuration.build.metric,
    drift: tellingTooFew(drift, monitor.minRows),
    ...(weightedDrift === undefined ? {} : { weightedDrift }),
    quality: [
      ...failedIn(served.predictions, monitor.quality),
      ...reference.features.flatMap((feature) =>
        qualityOf(feature, servedCells(served, feature.name), monitor.quality),
      ),
    ],
    performance,
    estimate,
    labelDelay: labelDelayOf(served.labelDelaysMs),
    traffic: trafficOf(await monitoring.traffic(scope), before),
    volume: volumeOf(served.eventTimesMs, window),
  };
}

/** Uses only the rows that the champion answered, because the estimation was fitted to the champion's losses. */
async function estimateIn(
  deps: ReportDependencies,
  scope: Scope,
  configuration: Configuration,
  champion: number,
  served: ServedRows,
  reference: MonitoringReference,
): Promise<PerformanceEstimate | null> {
  const { estimation } = reference;
  if (estimation === undefined || !wantsEstimate(configuration)) return null;
  const own = served.modelVersions.flatMap((version, row) =>
    version === champion && served.predictions[row] !== null ? [row] : [],
  );
  const of = <Value>(values: readonly Value[]): Value[] =>
    own.flatMap((row) => {
      const value = values[row];
      return value === undefined ? [] : [value];
    });
  const predictions = of(served.predictions);
  const answered = { predictions, probabilities: of(served.probabilities), modelVersions: of(served.modelVersions) };
  // Passes the predictions as labels, because the estimate uses only the answers of the sample and ignores its truth.
  const sample = await servedSample(deps, scope.modelId, configuration, { ...answered, labels: predictions });
  if (sample === null) return null;
  const columns = Object.fromEntries(Object.entries(served.features).map(([name, cells]) => [name, of(cells)]));
  return estimateFrom(estimation, sample, columns, reference);
}

function releasesIn({ releases, modelVersions }: ServedRows): ReportBody['releases'] {
  const counted = new Map<string, { release: string; modelVersion: number; predictions: number }>();
  for (const [row, release] of releases.entries()) {
    const entry = counted.get(release) ?? { release, modelVersion: modelVersions[row] ?? 0, predictions: 0 };
    entry.predictions += 1;
    counted.set(release, entry);
  }
  return [...counted.values()];
}
