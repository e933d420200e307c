import { join } from 'node:path';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { MonitoringReference } from '../../contracts/models/model-version.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { fetchFiles, withWorkspace } from '../steps/workspace.ts';
import type { LabelledRows } from '../measurement/labelled-rows.ts';
import { withLabels } from '../measurement/labelled-rows.ts';
import type { MeasurableLabels } from '../measurement/measurable-rows.ts';
import { measurableLabels } from '../measurement/measurable-rows.ts';
import { referenceOf } from '../measurement/reference-of.ts';
import { servedCells } from '../measurement/served-cells.ts';
import { labelTargetOf } from '../measurement/served-sample.ts';

/** Dependencies of the steps that make a report. */
export type ReportDependencies = Pick<
  ActivityDependencies,
  'repositories' | 'objectStore' | 'tableEngine' | 'scratchFolder'
>;

export interface ChosenReference {
  readonly reference: MonitoringReference;
  readonly told: Pick<ReportBody, 'reference' | 'referenceNote' | 'referenceWindow'>;
}

/**
 * Returns what was served in the window that the configuration names, or the training reference and the reason if too
 * little was served in that window.
 */
export async function chooseReference(
  deps: ReportDependencies,
  scope: Scope,
  { reference: wanted }: MonitoringWindow,
  training: MonitoringReference,
  configuration: Configuration,
): Promise<ChosenReference> {
  if (wanted === undefined) return { reference: training, told: { reference: 'training' } };
  const {
    task,
    monitor: { minRows },
    data: { target },
  } = configuration;
  const served = await measurableIn(deps, scope, wanted, task);
  const { kind, from, to } = wanted;
  if (served.rows < minRows) {
    const referenceNote = `monitor.reference is ${kind}, but only ${served.rows} rows were served from ${from} to ${to}, fewer than monitor.minRows (${minRows}), so the report compares with the training rows`;
    return { reference: training, told: { reference: 'training', referenceNote } };
  }
  const labels = served.labels.filter((label) => label !== null);
  const enough = labels.length >= minRows;
  const note = enough
    ? {}
    : {
        referenceNote: `monitor.reference is ${kind}, but only ${labels.length} labels belong to the window from ${from} to ${to}, fewer than monitor.minRows (${minRows}), so the target is compared with the training rows`,
      };
  return {
    reference: {
      schemaVersion: 1,
      // Keeps the kinds of the training reference. Otherwise a number that is constant for a month, such as rainfall,
      // would become a category.
      features: training.features.map(({ name, kind: of }) => referenceOf(name, servedCells(served, name), of)),
      target: enough ? referenceOf(target, labels, training.target.kind) : training.target,
      prediction: referenceOf('prediction', served.predictions, training.prediction.kind),
    },
    told: { reference: kind, referenceWindow: { from, to, rows: served.rows }, ...note },
  };
}

/** Returns what was served in a window, with the labels that have arrived and are values of the target. */
export async function measurableIn(
  deps: ReportDependencies,
  scope: Scope,
  window: Pick<MonitoringWindow, 'segments' | 'from' | 'to'>,
  task: Task,
): Promise<LabelledRows & MeasurableLabels> {
  const served = await servedIn(deps, scope, window);
  const target = await labelTargetOf(deps, scope.modelId, task, served.modelVersions);
  return { ...served, ...measurableLabels(served, task, target) };
}

async function servedIn(
  deps: ReportDependencies,
  scope: Scope,
  { segments: digests, from, to }: Pick<MonitoringWindow, 'segments' | 'from' | 'to'>,
): Promise<LabelledRows> {
  return withWorkspace(deps.scratchFolder, 'monitor', async (folder) => {
    const segments = await fetchFiles(deps.objectStore, digests, join(folder, 'segments'));
    return withLabels(deps, scope, await deps.tableEngine.readServed({ segments, from, to, labels: [] }));
  });
}
