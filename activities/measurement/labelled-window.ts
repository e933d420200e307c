import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Task } from '../../contracts/models/metrics.ts';
import type { LeftOutRows } from '../../contracts/monitoring/report.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { ReadServed, ServedWindow } from '../../ports/served-window.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import type { KeyedCounting } from '../../ports/segment-summary.ts';
import { segmentFiles } from './segment-files.ts';
import { summariesOfSegments } from './summaries-of-segments.ts';
import { LabelColumn } from './label-column.ts';
import { LeftOut, measurableLabels } from './measurable-labels.ts';
import { labelTargetOf } from './label-target-of.ts';

type Dependencies = Pick<ActivityDependencies, 'repositories' | 'objectStore' | 'tableEngine'>;

/** What was served in a window, with the labels that have arrived and are values of the target. */
export interface LabelledWindow extends ServedWindow {
  readonly labels: LabelColumn;
  /** Times from the events to their labels, in milliseconds, one for each label that has arrived. */
  readonly labelDelaysMs: Float64Array;
  readonly leftOut: readonly LeftOutRows[];
}

interface Asked extends Pick<ReadServed, 'counts' | 'prediction' | 'features' | 'parts'> {
  /** How the summaries of the segments count. Absent: summaries are not used. */
  readonly summaries?: KeyedCounting | undefined;
  /** Whether more than the labels needs rows. Default: true. */
  readonly needsRows?: boolean;
  /**
   * Files that have the rows of the segments that are wanted, with distinct ids; they exist. Default: the whole segments.
   */
  readonly answers?: readonly string[] | undefined;
  /** Folder for the segments and the rows. The window can be read as long as it exists. */
  readonly folder: string;
}

export async function readLabelledWindow(
  deps: Dependencies,
  scope: Scope,
  { segments: digests, from, to }: Pick<MonitoringWindow, 'segments' | 'from' | 'to'>,
  task: Task,
  { folder, summaries: keyed, needsRows = true, answers, ...wanted }: Asked,
): Promise<LabelledWindow> {
  const { monitoring } = deps.repositories;
  await mkdir(folder, { recursive: true });
  const hasLabels = await monitoring.hasLabels(scope);
  const files = segmentFiles(deps.objectStore, digests, join(folder, 'segments'));
  const served = await deps.tableEngine.readServed({
    ...wanted,
    from,
    to,
    path: join(folder, 'served.columns'),
    ...(answers === undefined
      ? { segments: files.paths, supply: (paths: readonly string[]) => files.supply(paths) }
      : { segments: answers, distinctIds: true }),
    storesRows: needsRows || hasLabels,
    withIds: hasLabels,
    ...(keyed === undefined
      ? {}
      : {
          summaries: await summariesOfSegments(deps, scope, files, keyed),
          distinctIds: await monitoring.haveDistinctIds(scope, digests),
        }),
  });
  return { ...served, ...(await joinedLabels(deps, scope, served, { task, hasLabels })) };
}

const idsAtOnce = 20_000;

/** Looks the labels up by the ids of the predictions, so that labels outside the window cost nothing. */
async function joinedLabels(
  deps: Pick<ActivityDependencies, 'repositories'>,
  scope: Scope,
  { rows, releases, stored }: ServedWindow,
  { task, hasLabels }: { readonly task: Task; readonly hasLabels: boolean },
): Promise<Pick<LabelledWindow, 'labels' | 'labelDelaysMs' | 'leftOut'>> {
  const versions = releases.map(({ modelVersion }) => modelVersion);
  const target = await labelTargetOf(deps, scope.modelId, task, versions);
  const labels = new LabelColumn(rows, target.kind === 'number' ? 'number' : 'class');
  if (!hasLabels) return { labels, labelDelaysMs: new Float64Array(), leftOut: [] };
  const delays = new Float64Array(rows);
  const leftOut = new LeftOut();
  let [first, arrived] = [0, 0];
  for await (const batch of stored.batches(['id', 'at', 'prediction'])) {
    const ids = idsIn(batch);
    const times = numbersIn(batch, 1);
    const given = Array.from(ids, (): LabelOfRow => null);
    for (let from = 0; from < ids.length; from += idsAtOnce) {
      const some = ids.slice(from, from + idsAtOnce);
      const known = new Map((await deps.repositories.monitoring.labels(scope, some)).map((label) => [label.id, label]));
      for (const [place, id] of some.entries()) {
        const label = known.get(id);
        if (label === undefined) continue;
        given[from + place] = label.value;
        delays[arrived++] = Math.max(0, Date.parse(label.at) - (times[from + place] ?? Number.NaN));
      }
    }
    const predictionOf = (row: number) => cellIn(batch, 2, row);
    for (const [row, label] of measurableLabels({ ids, labels: given, predictionOf }, task, target, leftOut).entries())
      if (label !== null) labels.set(first + row, label);
    first += batch.rows;
  }
  return { labels, labelDelaysMs: delays.subarray(0, arrived), leftOut: leftOut.list() };
}

type LabelOfRow = ReturnType<LabelColumn['at']>;

function idsIn(batch: ColumnBatch): string[] {
  return Array.from({ length: batch.rows }, (_, row) => String(cellIn(batch, 0, row)));
}
