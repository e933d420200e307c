import { setImmediate } from 'node:timers/promises';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { shiftInstant } from '../../contracts/time/shift-instant.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Instant } from '../../contracts/identifiers.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { InferenceRow } from '../../ports/gateways.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { fetchFiles } from '../steps/workspace.ts';

export interface DatasetRow extends InferenceRow {
  readonly eventTime: Instant;
  /** The number or, for a classifier, the class; null if the row has none. */
  readonly target: ClassValue | null;
}

const rowsAtOnce = 1_000;

interface Window {
  readonly datasetVersionId: Id;
  readonly configuration: Configuration;
  /** An instant, or a duration that is subtracted from `to`. */
  readonly from: string;
  readonly to: Instant;
  readonly folder: string;
}

/** Returns the rows of a dataset whose instants lie in `[from, to)`, oldest first, with their keys as ids. */
export async function rowsBetween(
  deps: ActivityDependencies,
  { datasetVersionId, configuration, from, to, folder }: Window,
): Promise<DatasetRow[]> {
  const { data } = configuration;
  const { key } = data;
  if (key === undefined || data.timestamp === undefined) {
    throw new PerennialError(
      'invalid-configuration',
      'a rehearsal needs data.key and data.timestamp: rows are served and labelled by key, in the order of their timestamps',
      { model: configuration.name },
    );
  }
  const begin = from.includes('T') ? from : shiftInstant(to, from, -1, data.timezone);
  const dataset = await deps.repositories.datasets.get(datasetVersionId);
  const parts = dataset.manifest.parts.filter(
    (part) => part.from !== undefined && part.to !== undefined && part.from < to && part.to >= begin,
  );
  const files = await fetchFiles(
    deps.objectStore,
    parts.map((part) => part.sha256),
    folder,
  );
  if (files.length === 0) return [];
  const wanted = [...new Set([key, '_at', data.target, ...data.features])];
  const { rows, columns } = await deps.tableEngine.readColumns({
    files,
    columns: wanted,
    timeColumn: '_at',
    from: begin,
    to,
    orderBy: ['_at', key],
    target: { column: data.target, labelledOnly: false },
  });
  const cell = (name: string, row: number): Cell => columns[name]?.[row] ?? null;
  const found: DatasetRow[] = [];
  for (let row = 0; row < rows; row += 1) {
    // Without pauses, a long loop would block this thread's heartbeats.
    if (row % rowsAtOnce === 0) await setImmediate();
    found.push({
      id: String(cell(key, row)),
      eventTime: new Date(String(cell('_at', row))).toISOString(),
      features: Object.fromEntries(data.features.map((feature) => [feature, cell(feature, row)])),
      target: targetOf(configuration, cell(data.target, row)),
    });
  }
  return found;
}

function targetOf({ task }: Configuration, cell: Cell): ClassValue | null {
  return task === 'regression' && cell !== null ? Number(cell) : cell;
}
