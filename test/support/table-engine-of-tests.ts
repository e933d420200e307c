import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll } from 'vitest';
import { type ClosableTableEngine, createDuckDbTableEngine } from '../../adapters/table-engine/duckdb.ts';
import { openLockedDatabase } from '../../adapters/table-engine/process/locked-database.ts';
import { prepareBatch } from '../../adapters/table-engine/preparing/prepare-batch.ts';
import type { TableWorkplace } from '../../adapters/table-engine/process/table-workplace.ts';
import { sealSegment } from '../../adapters/table-engine/windows/seal-segment.ts';
import type { PrepareBatch, PreparedBatch, SegmentToSeal } from '../../ports/table-engine.ts';
import { sandboxOfTests } from './sandbox-of-tests.ts';

export const bikeData = new URL('../../examples/bike-demand/hour.csv', import.meta.url).pathname;

export interface TableEngineBench {
  readonly engine: ClosableTableEngine;
  readonly root: string;
  /** Creates an empty folder. */
  folder(): string;
  /** Writes a CSV file and returns it as an input file of a batch. */
  csv(name: string, text: string | Buffer): Promise<PrepareBatch['files'][number]>;
  /** Writes the rows of a query as a Parquet file. */
  parquet(name: string, query: string): Promise<PrepareBatch['files'][number]>;
  prepare(files: readonly PrepareBatch['files'][number][], request?: Partial<PrepareBatch>): Promise<PreparedBatch>;
  /** Prepares a batch within this process, for tests with many cases: starting a process takes longer than one case. */
  prepareHere(files: readonly PrepareBatch['files'][number][], request?: Partial<PrepareBatch>): Promise<PreparedBatch>;
  /** Seals a segment within this process. */
  sealHere(request: SegmentToSeal): ReturnType<ClosableTableEngine['sealSegment']>;
  /** Returns the rows of a query as text, for assertions on written files. */
  look(query: string): Promise<Record<string, unknown>[]>;
}

/** Creates a table engine with a folder of its own. Both are removed after the tests of the file. */
export function tableEngineBench(
  settings: { readonly timeLimitMs?: number; readonly memoryLimit?: string } = {},
): TableEngineBench {
  const root = mkdtempSync(join(tmpdir(), 'perennial-table-'));
  const engine = createDuckDbTableEngine({
    sandbox: sandboxOfTests(),
    scratchFolder: join(root, 'scratch'),
    ...settings,
  });
  afterAll(async () => {
    await engine.close();
    // A process whose parent was killed may still be writing while it ends.
    await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  });
  let made = 0;
  const folder = (): string => {
    const path = join(root, `f${(made += 1)}`);
    mkdirSync(path);
    return path;
  };
  const look = async (query: string): Promise<Record<string, unknown>[]> => {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    return (await connection.runAndReadAll(query)).getRowObjectsJson();
  };
  const requestOf = (
    files: readonly PrepareBatch['files'][number][],
    request: Partial<PrepareBatch> = {},
  ): PrepareBatch => ({
    files,
    pinned: null,
    known: [],
    timezone: 'UTC',
    required: [],
    expectations: [],
    outputFolder: folder(),
    ...request,
  });
  return {
    engine,
    root,
    folder,
    look,
    csv: async (name, text) => {
      const path = join(folder(), name);
      await writeFile(path, text);
      return { name, path, format: 'csv' };
    },
    parquet: async (name, query) => {
      const path = join(folder(), name);
      await look(`COPY (${query}) TO '${path}' (FORMAT parquet)`);
      return { name, path, format: 'parquet' };
    },
    prepare: (files, request) => engine.prepareBatch(requestOf(files, request)),
    prepareHere: (files, request) =>
      prepareBatch(requestOf(files, request), {
        ...workplaceHere(folder()),
        ...(request?.supply && { supply: request.supply }),
      }),
    sealHere: (request) => sealSegment(request, workplaceHere(folder())),
  };
}

/** Returns a place of work within this process. */
function workplaceHere(scratch: string): TableWorkplace {
  return {
    folder: scratch,
    giveWay: () => undefined,
    open: ({ readable, writable = [], timezone = 'UTC', isParallelAtFirst }) =>
      openLockedDatabase({
        files: readable,
        folders: [...writable, scratch],
        spillFolder: scratch,
        memoryLimit: '256MiB',
        timezone,
        isParallelAtFirst,
      }),
    supply: () => Promise.resolve(),
  };
}

/** Returns the inputs that the next batch takes over from this one. */
export function after(batch: PreparedBatch): Pick<PrepareBatch, 'pinned' | 'known'> {
  return { pinned: batch.columns, known: batch.parts.map((part) => ({ path: part.path, part })) };
}
