import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../contracts/configuration.ts';
import type { DatasetManifest, DatasetPart, DatasetVersion, ExpectationResult } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { StagedDataset } from '../../contracts/staged-dataset.ts';
import type { PreparedBatch } from '../../ports/table-engine.ts';
import type { DataActivities, RunInput } from '../activity-types.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { runWithRequest } from '../run-request.ts';
import { fetchFiles, storeJson, withWorkspace } from '../workspace.ts';

/** Parses the batch, checks it against the pinned columns and the expectations, stores its parts; commits nothing. */
export function createPrepareDataset(deps: ActivityDependencies): DataActivities['prepareDataset'] {
  return async (input) => {
    const { run, request } = await runWithRequest(deps.repositories.runs, input.runId, 'data');
    const { configuration } = await deps.repositories.models.currentConfiguration(input.scope);
    const head = await deps.repositories.datasets.head(input.scope);
    return withWorkspace(deps.scratchFolder, 'ingest', async (folder) => {
      const batch = await prepare(deps, configuration, head, request, folder);
      if (batch.quarantine !== null) await refuse(deps, input, batch, batch.quarantine, run.recordedBy);
      const parts = await storeParts(deps, batch);
      const manifest = manifestOf(configuration, head, batch, parts);
      const digest = await storeJson(deps.objectStore, manifest);
      const staged: StagedDataset = {
        schemaVersion: 1,
        digest,
        manifest,
        expectations: [...batch.expectations],
        rowsAdded: batch.rowsAdded,
        rowsSkipped: batch.rowsSkipped,
        expectedHead: head?.id ?? null,
      };
      return { staged: await storeJson(deps.objectStore, staged) };
    });
  };
}

type DataRequest = Awaited<ReturnType<typeof runWithRequest<'data'>>>['request'];

async function prepare(
  deps: ActivityDependencies,
  configuration: Configuration,
  head: DatasetVersion | undefined,
  request: DataRequest,
  folder: string,
): Promise<PreparedBatch> {
  const { data } = configuration;
  const files = [...request.files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const paths = await fetchFiles(
    deps.objectStore,
    files.map((file) => file.sha256),
    join(folder, 'files'),
  );
  const knownParts = head?.manifest.parts ?? [];
  const knownPaths = await fetchFiles(
    deps.objectStore,
    knownParts.map((part) => part.sha256),
    join(folder, 'known'),
  );
  const outputFolder = join(folder, 'output');
  await mkdir(outputFolder);
  return deps.tableEngine.prepareBatch({
    files: files.map((file, index) => ({ name: file.name, format: file.format, path: paths[index] ?? '' })),
    pinned: head?.manifest.columns ?? null,
    known: knownParts.map((part, index) => ({ part, path: knownPaths[index] ?? '' })),
    key: data.key,
    timestamp: data.timestamp,
    timezone: data.timezone,
    required: [...data.features, data.target],
    expectations: data.expectations,
    from: request.from,
    before: request.before,
    outputFolder,
  });
}

async function refuse(
  deps: ActivityDependencies,
  { runId, scope }: RunInput,
  batch: PreparedBatch,
  quarantine: { path: string; rows: number },
  by: string,
): Promise<never> {
  const { sha256 } = await deps.objectStore.putFile(quarantine.path);
  const broken = batch.expectations.filter((result) => result.severity === 'error' && result.violations > 0);
  await deps.repositories.datasets.refuse(
    scope,
    { expectations: batch.expectations, quarantine: sha256, rows: quarantine.rows },
    { runId, by },
  );
  throw new PerennialError(
    'expectations-failed',
    `nothing was committed: ${broken.map(describe).join('; ')}. The ${quarantine.rows} rows are kept as ${sha256.slice(0, 12)}; mend them and ingest again`,
    { quarantine: sha256, rows: quarantine.rows },
  );
}

function describe(result: ExpectationResult): string {
  const examples = result.examples
    .slice(0, 3)
    .map(({ row, value }) => `row ${row}: ${value === null ? 'null' : String(value)}`);
  return `${result.column} breaks ${result.check} in ${result.violations} rows (${examples.join(', ')})`;
}

async function storeParts(deps: ActivityDependencies, batch: PreparedBatch): Promise<DatasetPart[]> {
  const stored: DatasetPart[] = [];
  for (const { path, ...part } of batch.parts) {
    await deps.objectStore.putFile(path);
    stored.push(part);
  }
  return stored;
}

function manifestOf(
  { data }: Configuration,
  head: DatasetVersion | undefined,
  batch: PreparedBatch,
  added: readonly DatasetPart[],
): DatasetManifest {
  const parts = [...(head?.manifest.parts ?? []), ...added];
  return {
    schemaVersion: 1,
    columns: [...batch.columns],
    key: data.key,
    timestamp: data.timestamp,
    timezone: data.timezone,
    rows: parts.reduce((rows, part) => rows + part.rows, 0),
    parts,
  };
}
