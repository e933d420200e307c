import { join } from 'node:path';
import type { Configuration } from '../../contracts/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Metrics } from '../../contracts/metrics.ts';
import { isBetterWhenSmall, metricOf } from '../../contracts/metrics.ts';
import { MonitoringReference } from '../../contracts/model-version.ts';
import { MonitoringWindow } from '../../contracts/monitoring-window.ts';
import type { DriftResult, ReportBody } from '../../contracts/report.ts';
import type { ServedRows } from '../../ports/table-engine.ts';
import { metricsOf } from '../../statistics/measure.ts';
import type { MonitorActivities } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { fetchFiles, readJson, withWorkspace } from '../workspace.ts';
import { driftOf } from './drift-of.ts';
import { servedSample } from './served-sample.ts';

type Verdict = Parameters<ActivityDependencies['repositories']['monitoring']['commitReport']>[2][number];

/** Compares what was served with what the champion was trained on, and its answers with the labels that have arrived. */
export function createReportWindow(deps: ActivityDependencies): MonitorActivities['reportWindow'] {
  return async ({ runId, scope, window: windowDigest }) => {
    const { models, versions, monitoring, runs } = deps.repositories;
    const window = await readJson(deps.objectStore, windowDigest, MonitoringWindow);
    const { configuration } = await models.configuration(window.configurationId);
    const champion = await versions.get(window.championVersionId);
    const reference = await readJson(deps.objectStore, champion.reference, MonitoringReference);
    const served = await readServed(deps, scope, window);
    const { monitor, retrain } = configuration;
    const drift = driftIn(served, reference, monitor.drift);
    const sample = await servedSample(deps, scope.modelId, configuration, served);
    const performance = sample === null ? null : metricsOf(sample);
    const report: Omit<ReportBody, 'findings' | 'triggers'> = {
      schemaVersion: 1,
      model: scope.model,
      environment: scope.environment,
      from: window.from,
      to: window.to,
      reference: monitor.reference,
      predictions: served.rows,
      labelled: performance?.rows ?? 0,
      dropped: window.dropped,
      sufficient: served.rows >= monitor.minRows,
      releases: releasesIn(served),
      drift,
      performance,
    };
    const { recordedBy } = await runs.get(runId);
    const triggerOn = (['drift', 'performance'] as const).filter((kind) => retrain.on.includes(kind));
    const verdicts = [...driftVerdicts(drift, monitor.drift), ...performanceVerdicts(performance, monitor)];
    const { id, body } = await monitoring.commitReport(scope, report, verdicts, {
      runId,
      championReleaseId: window.championReleaseId,
      triggerOn,
      by: recordedBy,
    });
    const count = (state: string) => body.findings.filter((finding) => finding.state === state).length;
    return { kind: 'monitor', reportId: id, opened: count('opened'), closed: count('closed') };
  };
}

async function readServed(deps: ActivityDependencies, scope: Scope, window: MonitoringWindow): Promise<ServedRows> {
  const labels = await deps.repositories.monitoring.allLabels(scope);
  return withWorkspace(deps.scratchFolder, 'monitor', async (folder) => {
    const segments = await fetchFiles(deps.objectStore, window.segments, join(folder, 'segments'));
    return deps.tableEngine.readServed({ segments, from: window.from, to: window.to, labels });
  });
}

function driftIn(
  served: ServedRows,
  reference: MonitoringReference,
  policy: Configuration['monitor']['drift'],
): DriftResult[] {
  const features = reference.features.map((feature) =>
    driftOf(feature, served.features[feature.name] ?? [], 'feature', policy),
  );
  const prediction = driftOf(reference.prediction, served.predictions, 'prediction', policy);
  const target = driftOf(reference.target, served.labels, 'target', policy);
  return [...features, prediction, target].filter((result) => result !== null);
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

/** Features count once enough of them have drifted; the prediction and the target each for themselves. */
function driftVerdicts(drift: readonly DriftResult[], { minFeatures }: Configuration['monitor']['drift']): Verdict[] {
  const deciding = drift.filter((result) => !result.excluded);
  const driftedFeatures = deciding.filter((result) => result.subject === 'feature' && result.drifted).length;
  return deciding.map((result) => ({
    kind: 'drift',
    subject: result.subject === 'feature' ? result.column : result.subject,
    value: result.statistic,
    threshold: result.threshold,
    breached: result.drifted && (result.subject !== 'feature' || driftedFeatures >= minFeatures),
  }));
}

function performanceVerdicts(metrics: Metrics | null, { performance, minRows }: Configuration['monitor']): Verdict[] {
  if (performance === undefined || metrics === null || metrics.rows < minRows) return [];
  const value = metricOf(metrics, performance.metric);
  // Not defined on these rows, as where all are of one class: nothing to find, and nothing that clears a finding.
  if (value === null) return [];
  const above = performance.max !== undefined && value > performance.max;
  const below = performance.min !== undefined && value < performance.min;
  const threshold = below || performance.max === undefined ? performance.min : performance.max;
  return [
    {
      kind: 'performance',
      subject: performance.metric,
      value,
      threshold: threshold ?? (isBetterWhenSmall(performance.metric) ? Infinity : -Infinity),
      breached: above || below,
    },
  ];
}
