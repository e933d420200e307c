import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import { cellIn, numbersIn } from '../../contracts/data/column-batch.ts';
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

/** Rows in a file. They can be read as often as needed, as long as the file exists. */
export interface DatasetRows {
  readonly rows: number;
  /** Yields the rows in order, a bounded number at a time. */
  pieces(): AsyncGenerator<readonly DatasetRow[]>;
}

const rowsAtOnce = 1_000;

interface Window {
  readonly datasetVersionId: Id;
  readonly configuration: Configuration;
  /** An instant, or a duration that is subtracted from `to`. */
  readonly from: string;
  readonly to: Instant;
  /** Folder for the files that the rows are read from. */
  readonly folder: string;
}

/** Returns the rows of a dataset whose instants lie in `[from, to)`, oldest first, with their keys as ids. */
export async function rowsBetween(
  deps: Pick<ActivityDependencies, 'repositories' | 'objectStore' | 'tableEngine'>,
  { datasetVersionId, configuration, from, to, folder }: Window,
): Promise<DatasetRows> {
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
  if (parts.length === 0) return { rows: 0, async *pieces() {} };
  const stored = await deps.tableEngine.storeColumns({
    files: await fetchFiles(
      deps.objectStore,
      parts.map((part) => part.sha256),
      folder,
    ),
    columns: [...new Set([key, '_at', data.target, ...data.features])],
    between: { column: '_at', from: begin, to },
    orderBy: ['_at', key],
    label: data.target,
    path: join(folder, 'rows.columns'),
  });
  const integers = new Set(dataset.manifest.columns.flatMap(({ name, type }) => (type === 'integer' ? [name] : [])));
  return {
    rows: stored.rows,
    async *pieces() {
      for await (const batch of stored.batches())
        for (let first = 0; first < batch.rows; first += rowsAtOnce) {
          // Without pauses, a long loop would block this thread's heartbeats.
          await setImmediate();
          const rows = Math.min(rowsAtOnce, batch.rows - first);
          const rowOf = rowsOf(batch, { key, configuration, integers });
          yield Array.from({ length: rows }, (_, at) => rowOf(first + at));
        }
    },
  };
}

interface Read {
  readonly key: string;
  readonly configuration: Configuration;
  /** Columns of whole numbers, which are stored as texts if one of them is beyond 2^53. */
  readonly integers: ReadonlySet<string>;
}

function rowsOf(batch: ColumnBatch, { key, configuration, integers }: Read): (row: number) => DatasetRow {
  const { names } = batch.layout;
  const places = new Map(names.map((name, at) => [name, at]));
  const times = numbersIn(batch, places.get('_at') ?? 0);
  const cell = (name: string, row: number): Cell => {
    const value = cellIn(batch, places.get(name) ?? 0, row);
    return typeof value === 'string' && integers.has(name) && Number.isSafeInteger(Number(value))
      ? Number(value)
      : value;
  };
  const { target, features } = configuration.data;
  return (row) => ({
    id: String(cell(key, row)),
    eventTime: new Date(times[row] ?? Number.NaN).toISOString(),
    features: Object.fromEntries(features.map((feature) => [feature, cell(feature, row)])),
    target: targetOf(configuration, cell(target, row)),
  });
}

function targetOf({ task }: Configuration, cell: Cell): ClassValue | null {
  return task === 'regression' && cell !== null ? Number(cell) : cell;
}
