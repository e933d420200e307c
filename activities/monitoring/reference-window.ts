import { join } from 'node:path';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { ColumnReference, MonitoringReference } from '../../contracts/models/model-version.ts';
import type { MonitoringWindow } from '../../contracts/monitoring/monitoring-window.ts';
import type { ReportBody } from '../../contracts/monitoring/report.ts';
import type { CountedValues } from '../../ports/segment-summary.ts';
import type { StoredColumns } from '../../ports/stored-columns.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { categoryCounts } from '../measurement/column-values.ts';
import type { LabelledWindow } from '../measurement/labelled-window.ts';
import { readLabelledWindow } from '../measurement/labelled-window.ts';
import type { LabelColumn } from '../measurement/label-column.ts';
import { categoricalReference, numericReference } from '../measurement/reference-of.ts';
import { sortedNumbers } from '../measurement/sorted-numbers.ts';

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
 *
 * @param folder an existing folder for the rows of that window.
 */
export async function chooseReference(
  deps: ReportDependencies,
  scope: Scope,
  { reference: wanted }: MonitoringWindow,
  training: MonitoringReference,
  { configuration, folder }: { readonly configuration: Configuration; readonly folder: string },
): Promise<ChosenReference> {
  if (wanted === undefined) return { reference: training, told: { reference: 'training' } };
  const {
    task,
    monitor: { minRows },
    data: { target },
  } = configuration;
  const served = await readReference(deps, scope, wanted, { training, task, folder: join(folder, 'reference') });
  const { kind, from, to } = wanted;
  if (served.rows < minRows) {
    const referenceNote = `monitor.reference is ${kind}, but only ${served.rows} rows were served from ${from} to ${to}, fewer than monitor.minRows (${minRows}), so the report compares with the training rows`;
    return { reference: training, told: { reference: 'training', referenceNote } };
  }
  const labels = served.labels.count();
  const enough = labels >= minRows;
  const note = enough
    ? {}
    : {
        referenceNote: `monitor.reference is ${kind}, but only ${labels} labels belong to the window from ${from} to ${to}, fewer than monitor.minRows (${minRows}), so the target is compared with the training rows`,
      };
  return {
    reference: {
      schemaVersion: 1,
      features: await featuresOf(served, training.features),
      target: enough ? targetOf(target, served.labels, training.target.kind) : training.target,
      prediction: await referenceIn(served, 'prediction', {
        counted: served.prediction ?? undefined,
        column: 'prediction',
        kind: training.prediction.kind,
      }),
    },
    told: { reference: kind, referenceWindow: { from, to, rows: served.rows }, ...note },
  };
}

interface Read {
  readonly training: MonitoringReference;
  readonly task: Configuration['task'];
  readonly folder: string;
}

/** Reads the values of numeric features, and the counts of the others. */
function readReference(
  deps: ReportDependencies,
  scope: Scope,
  window: NonNullable<MonitoringWindow['reference']>,
  { training, task, folder }: Read,
): Promise<LabelledWindow> {
  const numeric = training.features.filter(({ kind }) => kind === 'numeric');
  const categorical = training.features.filter(({ kind }) => kind === 'categorical');
  return readLabelledWindow(deps, scope, window, task, {
    folder,
    counts: Object.fromEntries(categorical.map(({ name }) => [name, { kind: 'categorical' }])),
    ...(training.prediction.kind === 'categorical' ? { prediction: { kind: 'categorical' } } : {}),
    features: numeric.map(({ name }) => name),
  });
}

/**
 * Keeps the kinds of the training reference. Otherwise a number that is constant for a month, such as rainfall, would
 * become a category.
 */
async function featuresOf(served: LabelledWindow, training: readonly ColumnReference[]): Promise<ColumnReference[]> {
  const features: ColumnReference[] = [];
  for (const feature of training) {
    const { name, kind } = feature;
    const counted = Object.hasOwn(served.counts, name) ? served.counts[name] : undefined;
    const isUncounted = counted?.kind === 'categorical' && counted.values === null;
    features.push(
      isUncounted ? feature : await referenceIn(served, name, { counted, column: `feature ${name}`, kind }),
    );
  }
  return features;
}

interface Source {
  readonly counted: CountedValues | undefined;
  readonly column: string;
  readonly kind: ColumnReference['kind'];
}

async function referenceIn(
  { rows, stored }: LabelledWindow,
  name: string,
  { counted, column, kind }: Source,
): Promise<ColumnReference> {
  if (kind === 'numeric')
    return hasColumn(stored, column)
      ? numericReference(name, await sortedNumbers(stored, column), rows)
      : numericReference(name, new Float64Array(), 0);
  if (counted?.kind !== 'categorical') return categoricalReference(name, new Map(), 0);
  return categoricalReference(name, countsByText(counted), rows);
}

function hasColumn({ layout }: StoredColumns, name: string): boolean {
  return layout.names.includes(name);
}

function countsByText({ values }: Extract<CountedValues, { kind: 'categorical' }>): Map<string, number> {
  return new Map((values ?? []).filter(([cell]) => !Number.isNaN(cell)).map(([cell, rows]) => [String(cell), rows]));
}

function targetOf(name: string, labels: LabelColumn, kind: ColumnReference['kind']): ColumnReference {
  const rows = labels.count();
  if (kind === 'numeric') return numericReference(name, labels.sortedNumbers(), rows);
  const classes = [...labels.classCounts()].map(([value, count]) => [String(value), count] as const);
  const counts = classes.length > 0 ? new Map(classes) : categoryCounts([...labels.sortedNumbers()]);
  return categoricalReference(name, counts, rows);
}
