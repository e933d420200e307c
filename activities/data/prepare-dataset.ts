import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { FetchedFile } from '../../contracts/data/remote-source.ts';
import { FetchedBatch } from '../../contracts/data/remote-source.ts';
import type {
  BatchFile,
  DatasetManifest,
  DatasetPart,
  DatasetVersion,
  ExpectationResult,
} from '../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Instant, Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { StagedDataset } from '../../contracts/data/staged-dataset.ts';
import type { PreparedBatch } from '../../ports/table-engine.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { RunInput } from '../../contracts/pipelines/step.ts';
import type { ActivityDependencies, StoringDependencies } from '../activity-dependencies.ts';
import { runWithRequest } from '../steps/run-request.ts';
import { eachAFewAtATime, fetchFiles, readJson, storeJson, withWorkspace } from '../steps/workspace.ts';
import { fetchReferences } from './fetch-references.ts';
import { mergeProfile } from './merge-profile.ts';
import { FactsAtHand, type KnownParts, knownParts, storeSummaries } from './part-summaries.ts';

/**
 * Parses the batch, checks it against the pinned columns and the expectations, and stores its parts. Commits nothing.
 */
export function createPrepareDataset(deps: StoringDependencies): Activities['prepareDataset'] {
  const atHand = new FactsAtHand();
  return async (input) => {
    const { run, request } = await runWithRequest(deps.repositories.runs, input.runId, 'data');
    const { configuration } = await deps.repositories.models.currentConfiguration(input.scope);
    const head = await deps.repositories.datasets.head(input.scope);
    return withWorkspace(deps.scratchFolder, 'ingest', async (folder) => {
      const from: Ground = { scope: input.scope, configuration, head, asOf: run.effectiveAt };
      const fetched = await fetchedFiles(deps, input.fetched);
      const files = fetched ?? request.files ?? [];
      const known = await knownParts(deps, head, {
        key: configuration.data.key,
        folder: join(folder, 'known'),
        atHand,
      });
      const batch = await prepare(deps, { ...from, known }, { ...request, files }, folder);
      if (batch.refused) await refuse(deps, input, batch, run.recordedBy);
      const parts = await storeParts(deps, batch);
      const manifest = manifestOf(configuration, batch.columns, parts);
      const digest = await storeJson(deps.objectStore, manifest);
      const { summaries, facts } = await storeSummaries(deps, known, batch, parts);
      const last = head === undefined ? undefined : { ...head, ...head.manifest };
      const rowsChanged = batch.rowsAdded + batch.rowsReplaced + batch.rowsRemoved;
      const profile = batch.profile ?? mergeProfile(last, batch.columns, { facts, rowsChanged });
      const staged: StagedDataset = {
        schemaVersion: 1,
        digest,
        manifest,
        expectations: [...batch.expectations],
        warnings: [...batch.warnings],
        rowsAdded: batch.rowsAdded,
        rowsSkipped: batch.rowsSkipped,
        rowsReplaced: batch.rowsReplaced,
        rowsRemoved: batch.rowsRemoved,
        expectedHead: head?.id ?? null,
        summaries,
        profile: profile === null ? null : await storeJson(deps.objectStore, profile),
        fetched,
      };
      return { staged: await storeJson(deps.objectStore, staged) };
    });
  };
}

type DataRequest = Awaited<ReturnType<typeof runWithRequest<'data'>>>['request'] & {
  readonly files: readonly BatchFile[];
};

async function fetchedFiles(
  { objectStore }: ActivityDependencies,
  fetched: Sha256 | null,
): Promise<FetchedFile[] | null> {
  return fetched === null ? null : (await readJson(objectStore, fetched, FetchedBatch)).files;
}

interface Ground {
  readonly scope: Scope;
  readonly configuration: Configuration;
  readonly head: DatasetVersion | undefined;
  readonly asOf: Instant;
}

async function prepare(
  deps: ActivityDependencies,
  { scope, configuration, head, asOf, known }: Ground & { readonly known: KnownParts },
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
  const outputFolder = join(folder, 'output');
  await mkdir(outputFolder);
  return deps.tableEngine.prepareBatch({
    files: files.map((file, index) => ({ name: file.name, format: file.format, path: paths[index] ?? '' })),
    mode: data.mode,
    pinned: head?.manifest.columns ?? null,
    known: known.known,
    supply: known.supply,
    summarise: known.summarise,
    key: data.key,
    timestamp: data.timestamp,
    timezone: data.timezone,
    nulls: data.nulls,
    columns: data.columns,
    required: [...data.features, data.target],
    alsoRead: columnsOfBuild(configuration),
    expectations: data.expectations,
    references: await fetchReferences(deps, scope, data.expectations, join(folder, 'referenced')),
    asOf,
    // A snapshot is a complete dataset, so rows before a period belong to it too.
    from: data.mode === 'snapshot' ? undefined : request.from,
    before: request.before,
    outputFolder,
  });
}

/** Returns the columns that the holdout rule and the gates name. */
function columnsOfBuild({ build: { holdout, gates } }: Configuration): string[] {
  const slices = gates.flatMap((gate) => ('slice' in gate ? [gate.slice] : []));
  return 'by' in holdout ? [holdout.by, ...slices] : slices;
}

async function refuse(
  deps: StoringDependencies,
  { runId, scope }: RunInput,
  { expectations, quarantine, warnings }: PreparedBatch,
  by: string,
): Promise<never> {
  const kept = quarantine === null ? null : (await deps.objectStore.putFile(quarantine.path)).sha256;
  const rows = quarantine?.rows ?? 0;
  await deps.repositories.datasets.refuse(scope, { expectations, quarantine: kept, rows }, { runId, by });
  const broken = expectations.filter((result) => result.severity === 'error' && result.violations > 0);
  const wayOut =
    kept === null
      ? 'correct the source or the expectation, then ingest again'
      : `the ${rows} rows are in quarantine: \`perennial data quarantine ${runId} -o rows.csv\` writes them with file, line and reason; correct them and ingest again`;
  throw new PerennialError(
    'expectations-failed',
    `nothing was committed: ${broken.map(describe).join('; ')}. ${[wayOut, ...adviceOn(broken, warnings)].join('. ')}`,
    { quarantine: kept, rows },
  );
}

/**
 * Returns the warnings about the columns that broke an expectation, for example about texts that look like a missing
 * value.
 */
function adviceOn(broken: readonly ExpectationResult[], warnings: PreparedBatch['warnings']): readonly string[] {
  const columns = new Set(broken.map(({ column }) => column));
  return warnings
    .filter(({ column, level }) => level === 'warning' && column !== null && columns.has(column))
    .map(({ message }) => message);
}

function describe({ column, check, violations, observed, examples }: ExpectationResult): string {
  if (column === null) return `the dataset breaks ${check} (observed: ${observed ?? 'nothing'})`;
  const shown = examples.slice(0, 3).map(({ row, value }) => `row ${row}: ${value === null ? 'null' : String(value)}`);
  return `${column} breaks ${check} in ${violations} rows (${shown.join(', ')})`;
}

/**
 * Stores and returns the parts of the new version in order: first the parts of the previous version that remain, some
 * of them rewritten by the batch, then the batch's own parts.
 */
async function storeParts(deps: StoringDependencies, { known, parts }: PreparedBatch): Promise<DatasetPart[]> {
  const rewritten = known.flatMap((carried) => (carried.kind === 'kept' ? [] : [carried.part]));
  await eachAFewAtATime([...rewritten, ...parts], async ({ path }) => void (await deps.objectStore.putFile(path)));
  const described = ({ path: _path, ...part }: PreparedBatch['parts'][number]): DatasetPart => part;
  return [
    ...known.map((carried) => (carried.kind === 'kept' ? carried.part : described(carried.part))),
    ...parts.map(described),
  ];
}

function manifestOf(
  { data }: Configuration,
  columns: PreparedBatch['columns'],
  parts: readonly DatasetPart[],
): DatasetManifest {
  return {
    schemaVersion: 1,
    columns: [...columns],
    key: data.key,
    timestamp: data.timestamp,
    timezone: data.timezone,
    rows: parts.reduce((rows, part) => rows + part.rows, 0),
    parts: [...parts],
  };
}
