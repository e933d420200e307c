import { shortDigest } from '../../contracts/identifiers.ts';
import { glob, open, stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import type { DataFormat } from '../../contracts/data/data-format.ts';
import { dataExtensions, formatOfName } from '../../contracts/data/data-format.ts';
import { DatasetDifference } from '../../contracts/data/dataset-difference.ts';
import { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import { limitOption, wholeNumber } from '../arguments.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import { digestFile } from '../files/digest-file.ts';
import { describeDifference } from '../views/dataset-difference-view.ts';
import { downloadTo, refuseToOverwrite } from '../files/download.ts';
import { listUpTo } from '../views/lists.ts';
import { describeDataWarnings } from '../views/data-warnings-view.ts';
import { outcomeOf, warningsOf } from '../views/run-view.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted, decimals, startAndFollow } from '../verb.ts';
import { environmentFor, readConfiguration } from './apply-verb.ts';

/** Returns the files to upload: those that were named, or else those of the configuration's `data.source`. */
async function sourceFiles(named: readonly string[], file: string): Promise<string[] | 'fetched by the server'> {
  if (named.length > 0) return named.map((path) => resolve(path));
  const { configuration, folder } = await readConfiguration(file);
  const { source } = configuration.data;
  if ('path' in source) return [resolve(folder, source.path)];
  if (!('glob' in source)) return 'fetched by the server';
  const found: string[] = [];
  for await (const path of glob(source.glob, { cwd: folder })) found.push(resolve(folder, path));
  if (found.length === 0)
    throw new PerennialError('invalid-request', `no file matches data.source.glob ${source.glob} in ${folder}`, {
      glob: source.glob,
    });
  return found.sort();
}

function formatOf(path: string): DataFormat {
  const format = formatOfName(basename(path));
  if (format === undefined)
    throw new PerennialError(
      'invalid-request',
      `${path} cannot be ingested: the file name must end in ${dataExtensions}`,
      {
        path,
      },
    );
  return format;
}

/** Returns the file format in which rows are downloaded, by the file's extension. */
function formatToWrite(path: string): 'csv' | 'parquet' {
  const extension = extname(path).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (extension === '.parquet') return 'parquet';
  throw new PerennialError('invalid-request', `${path} cannot be written: the file name must end in .csv or .parquet`, {
    path,
  });
}

/** Uploads files and ingests them as one batch, or has the server fetch them. */
async function ingestFiles(
  context: CliContext,
  api: ApiClient,
  target: { readonly model: string; readonly environment: string },
  files: readonly string[] | 'fetched by the server',
): Promise<Run & { state: 'succeeded' }> {
  const path = `/v1/models/${encodeURIComponent(target.model)}/datasets`;
  const query = { environment: target.environment };
  if (files === 'fetched by the server')
    return tellWarnings(context, await startAndFollow(context, api, path, {}, query));
  const batch: { name: string; sha256: string; format: DataFormat }[] = [];
  for (const file of files) {
    const format = formatOf(file);
    if (!(await isFile(file)))
      throw new PerennialError(
        'invalid-request',
        `there is no file ${file}; name existing files, or correct data.source`,
        {
          file,
        },
      );
    const name = basename(file);
    context.output.progress(`reading ${name}`);
    const sha256 = await uploadFile(api, file, (sent, size) =>
      context.output.progress(
        `uploading ${name}: ${Math.round((100 * sent) / size)} % of ${(size / 1e6).toFixed(1)} MB`,
      ),
    );
    batch.push({ name, sha256, format });
  }
  return tellWarnings(context, await startAndFollow(context, api, path, { files: batch }, query));
}

/** Prints the guesses and warnings of the ingestion on standard error. */
function tellWarnings(context: CliContext, run: Run & { state: 'succeeded' }): Run & { state: 'succeeded' } {
  for (const line of warningsOf(run)) context.output.note(line);
  return run;
}

/** Uploads the file and returns its digest. */
async function uploadFile(api: ApiClient, path: string, told: (sent: number, size: number) => void): Promise<string> {
  const file = await open(path);
  try {
    const sha256 = await digestFile(file);
    await api.upload(file, sha256, told);
    return sha256;
  } finally {
    await file.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Ingests what the configuration's `data.source` names. */
export async function ingestSource(
  context: CliContext,
  api: ApiClient,
  file: string,
): Promise<Run & { state: 'succeeded' }> {
  const { configuration } = await readConfiguration(file);
  return ingestFiles(context, api, targetOf(context, configuration), await sourceFiles([], file));
}

function targetOf(context: CliContext, configuration: Configuration) {
  return {
    model: context.options.model ?? configuration.name,
    environment: environmentFor(context, configuration),
  };
}

export function dataVerbs({ program, act }: VerbRegistry): void {
  const data = program.command('data').description('ingest, list, compare and download versions of data');
  const registry = { program: data, act };
  ingestVerb(registry);
  logVerb(registry);
  showVerb(registry);
  checkoutVerb(registry);
  diffVerb(registry);
  quarantineVerb(registry);
}

function ingestVerb({ program, act }: VerbRegistry): void {
  program
    .command('ingest')
    .description("upload files (default: the configuration's data.source) and ingest their rows according to data.mode")
    .argument('[files...]', 'CSV, NDJSON or Parquet files')
    .option('-f, --file <file>', 'the configuration file', 'perennial.yaml')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial data ingest -f perennial.yaml\n  perennial data ingest --model bike-demand new-hours.csv',
    )
    .action(
      act(async (context, files: string[], options: { file: string }) => {
        const { model, environment } = context.options;
        // If the model and the files are named, no configuration file is needed.
        const target =
          files.length > 0 && model !== undefined
            ? { model, environment }
            : targetOf(context, (await readConfiguration(options.file)).configuration);
        const run = await ingestFiles(context, apiOf(context), target, await sourceFiles(files, options.file));
        context.output.data(run.outcome, () => outcomeOf(run));
      }),
    );
}

function logVerb({ program, act }: VerbRegistry): void {
  program
    .command('log')
    .description('list dataset versions, newest first')
    .addOption(limitOption(50))
    .addHelpText('after', '\nExample:\n  perennial data log --model bike-demand')
    .action(
      act(async (context, { limit }: { limit: number }) => {
        const query = { environment: context.options.environment };
        const page = await listUpTo(context, apiOf(context), modelPath(context, '/datasets'), DatasetVersion, {
          limit,
          query,
        });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'digest', 'rows', 'added', 'replaced', 'removed', 'known', 'parts', 'recorded'],
            page.items.map((v) => [
              v.number,
              shortDigest(v.digest),
              v.manifest.rows,
              v.rowsAdded,
              v.rowsReplaced,
              v.rowsRemoved,
              v.rowsSkipped,
              v.manifest.parts.length,
              v.recordedAt,
            ]),
          ),
        );
      }),
    );
}

function showVerb({ program, act }: VerbRegistry): void {
  program
    .command('show')
    .description('show a dataset version with its schema, its profile, and the guesses and warnings of its ingestion')
    .argument('<version>', 'number of the dataset version', wholeNumber)
    .addHelpText('after', '\nExample:\n  perennial data show 3 --model bike-demand')
    .action(
      act(async (context, version: number) => {
        const dataset = await apiOf(context).get(modelPath(context, `/datasets/${version}`), DatasetVersion, {
          environment: context.options.environment,
        });
        context.output.data(dataset, () => describeDataset(context, dataset));
      }),
    );
}

function checkoutVerb({ program, act }: VerbRegistry): void {
  program
    .command('checkout')
    .description('download the rows of a dataset version')
    .argument('<version>', 'number of the dataset version', wholeNumber)
    .requiredOption('-o, --output <file>', 'file to write, .csv or .parquet')
    .option('--for-spreadsheets', forSpreadsheets)
    .option('--force', 'overwrite an existing file')
    .addHelpText('after', '\nExample:\n  perennial data checkout 3 -o rows.parquet')
    .action(
      act(async (context, version: number, options: DownloadOptions) => {
        const { environment } = context.options;
        await download(context, modelPath(context, `/datasets/${version}/rows`), { environment }, options);
      }),
    );
}

const forSpreadsheets = 'in a .csv file, put an apostrophe before each cell that a spreadsheet would run as a formula';

interface DownloadOptions {
  readonly output: string;
  readonly force?: boolean;
  readonly forSpreadsheets?: boolean;
}

async function download(
  context: CliContext,
  path: string,
  query: Readonly<Record<string, string>>,
  { output, force = false, forSpreadsheets: isProtected = false }: DownloadOptions,
): Promise<void> {
  const format = formatToWrite(output);
  if (isProtected && format !== 'csv')
    throw new PerennialError(
      'invalid-request',
      `--for-spreadsheets applies only to .csv files, and ${output} is not a .csv file`,
      { output },
    );
  await refuseToOverwrite(output, force || context.options.yes);
  const bytes = await downloadTo(
    output,
    await apiOf(context).download(path, { ...query, format, forSpreadsheets: String(isProtected) }),
    (received) => context.output.progress(`received ${(received / 1e6).toFixed(1)} MB`),
  );
  if (format === 'csv') context.output.note(isProtected ? protectedNote(output) : plainNote(output));
  context.output.data({ file: output, bytes }, () => output);
}

function protectedNote(output: string): string {
  return `${output} has an apostrophe before every cell that a spreadsheet would run as a formula (=, +, - or @ at its beginning); remove these apostrophes before you ingest the file again`;
}

function plainNote(output: string): string {
  return `${output} contains the rows unchanged, so that they can be ingested again; to open the file in a spreadsheet, download it with --for-spreadsheets`;
}

function quarantineVerb({ program, act }: VerbRegistry): void {
  program
    .command('quarantine')
    .description('download the rows that a refused ingestion quarantined, each with its file, line and reason')
    .argument('<run>', 'id of the data run that refused the rows')
    .requiredOption('-o, --output <file>', 'file to write, .csv or .parquet')
    .option('--for-spreadsheets', forSpreadsheets)
    .option('--force', 'overwrite an existing file')
    .addHelpText('after', '\nExample:\n  perennial data quarantine 0190b5a7-… -o rows.csv')
    .action(
      act(async (context, run: string, options: DownloadOptions) => {
        const path = `/v1/runs/${encodeURIComponent(run)}/quarantine`;
        await download(context, path, {}, options);
      }),
    );
}

function diffVerb({ program, act }: VerbRegistry): void {
  program
    .command('diff')
    .description(
      'show what changed from one dataset version to another: rows, columns, and how the distribution of values shifted',
    )
    .argument('<before>', 'number of the earlier dataset version', wholeNumber)
    .argument('<after>', 'number of the later dataset version', wholeNumber)
    .addHelpText('after', '\nExample:\n  perennial data diff 2 3')
    .action(
      act(async (context, before: number, after: number) => {
        const path = modelPath(context, `/datasets/${before}/diff/${after}`);
        const { environment } = context.options;
        const difference = await apiOf(context).get(path, DatasetDifference, { environment });
        context.output.data(difference, () => describeDifference(context.output, difference));
      }),
    );
}

function describeDataset(context: CliContext, { manifest, profile, warnings, number, digest }: DatasetVersion): string {
  const profiles = new Map(profile?.columns.map((column) => [column.name, column]));
  const rows = manifest.columns.map(({ name, type }) => {
    const column = profiles.get(name);
    return [
      name,
      type,
      column?.nulls ?? '–',
      column?.distinct ?? '–',
      String(column?.min ?? '–'),
      String(column?.max ?? '–'),
      decimals(column?.mean, 4),
    ];
  });
  const parts = counted(manifest.parts.length, 'part');
  return [
    `dataset ${number} (${shortDigest(digest)}): ${counted(manifest.rows, 'row')} in ${parts}`,
    context.output.table(['column', 'type', 'nulls', 'distinct', 'min', 'max', 'mean'], rows),
    ...(profile?.asOf === undefined
      ? []
      : [`distinct values are those of dataset ${profile.asOf.number}, the last one profiled in full`]),
    ...describeDataWarnings(warnings),
  ].join('\n');
}
