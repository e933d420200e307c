import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Estimation, MonitoringReference } from '../../contracts/models/model-version.ts';
import { isMeasurable } from '../../contracts/monitoring/label-value.ts';
import type { PerformanceEstimate } from '../../contracts/monitoring/report.ts';
import type { ServedWindow } from '../../ports/served-window.ts';
import { addLosses, noLosses } from '../../statistics/estimation/direct-loss-estimate.ts';
import { servedAnswers } from '../measurement/served-answers.ts';
import { estimateFrom, lossEstimate, wantsEstimate } from '../measurement/estimation.ts';
import { featureNumbers } from '../measurement/feature-numbers.ts';
import { servedSample } from '../measurement/served-sample.ts';
import type { ReportDependencies } from './reference-window.ts';

type DirectLossEstimation = Extract<Estimation, { kind: 'dle' }>;

/** Returns the features that the estimate of a window reads. */
export function inputsOfEstimate(
  configuration: Configuration,
  { estimation }: Pick<MonitoringReference, 'estimation'>,
): readonly string[] {
  const isRead = estimation?.kind === 'dle' && configuration.task === 'regression' && wantsEstimate(configuration);
  return isRead ? estimation.features : [];
}

/** Whether a window has an estimate, which needs its rows. */
export function needsEstimate(
  configuration: Configuration,
  { estimation }: Pick<MonitoringReference, 'estimation'>,
): boolean {
  return estimation !== undefined && wantsEstimate(configuration);
}

interface Estimating {
  readonly configuration: Configuration;
  /** Number of the champion's version. */
  readonly champion: number;
  readonly served: ServedWindow;
  readonly training: MonitoringReference;
}

/** Uses only the rows that the champion answered, because the estimation was fitted to the champion's losses. */
export async function estimateIn(
  deps: ReportDependencies,
  scope: Scope,
  { configuration, champion, served, training }: Estimating,
): Promise<PerformanceEstimate | null> {
  const { estimation } = training;
  if (estimation === undefined || !wantsEstimate(configuration)) return null;
  if (estimation.kind === 'dle')
    return configuration.task === 'regression' ? lossesIn(served, champion, estimation, training) : null;
  // Passes the predictions as labels, because the estimate uses only the answers of the sample and ignores its truth.
  const own = servedAnswers(served, ({ release, prediction }) =>
    release?.modelVersion === champion ? prediction : null,
  );
  const sample = await servedSample(deps, scope.modelId, configuration, own);
  return sample === null ? null : estimateFrom(estimation, sample);
}

async function lossesIn(
  { stored, releases }: ServedWindow,
  champion: number,
  estimation: DirectLossEstimation,
  { features }: Pick<MonitoringReference, 'features'>,
): Promise<PerformanceEstimate | null> {
  const there = estimation.features.filter((name) => stored.layout.names.includes(`feature ${name}`));
  let sums = noLosses;
  for await (const batch of stored.batches(['release', 'prediction', ...there.map((name) => `feature ${name}`)])) {
    const inputs = estimation.features.map((name): ArrayLike<number> => {
      const reference = features.find((feature) => feature.name === name);
      const at = there.indexOf(name);
      return reference === undefined || at === -1 ? [] : featureNumbers(batch, at + 2, reference);
    });
    const rows = ownRows(batch, (release) => releases[release]?.modelVersion === champion);
    const columns = [...inputs, numbersIn(batch, 1)].map((column) => picked(column, rows));
    sums = addLosses(sums, estimation, columns, rows.length);
  }
  return lossEstimate(estimation, sums);
}

/** Returns the rows that the champion answered with a number. */
function ownRows(batch: ColumnBatch, isOwn: (release: number) => boolean): Int32Array {
  const releases = numbersIn(batch, 0);
  return Int32Array.from({ length: batch.rows }, (_, row) => row).filter(
    (row) => isOwn(releases[row] ?? 0) && isMeasurable(cellIn(batch, 1, row)),
  );
}

function picked(column: ArrayLike<number>, rows: Int32Array): ArrayLike<number> {
  return rows.length === column.length ? column : Float64Array.from(rows, (row) => column[row] ?? Number.NaN);
}
