import { createWriteStream } from 'node:fs';
import { glob, stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { CodeVersion } from '../../contracts/code.ts';
import { DatasetVersion } from '../../contracts/dataset.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Run } from '../../contracts/run.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../context.ts';
import { apiOf, modelPath } from '../context.ts';
import { digestFile } from '../digest-file.ts';
import type { VerbRegistry } from '../verb.ts';
import { pageSchema, short, startAndFollow } from '../verb.ts';
import { readConfiguration } from './apply.ts';

/** The files to upload: those named, else what the configuration's `data.source` says. */
async function sourceFiles(named: readonly string[], file: string): Promise<string[]> {
  if (named.length > 0) return named.map((path) => resolve(path));
  const { configuration, folder } = await readConfiguration(file);
  const { source } = configuration.data;
  if ('path' in source) return [resolve(folder, source.path)];
  const found: string[] = [];
  for await (const path of glob(source.glob, { cwd: folder })) found.push(resolve(folder, path));
  if (found.length === 0)
    throw new PerennialError('invalid-request', `no file matches data.source.glob ${source.glob} in ${folder}`, {
      glob: source.glob,
    });
  return found.sort();
}

function formatOf(path: string): 'csv' | 'parquet' {
  const extension = extname(path).toLowerCase();
  if (extension === '.csv') return 'csv';
  if (extension === '.parquet') return 'parquet';
  throw new PerennialError(
    'invalid-request',
    `${path} is neither .csv nor .parquet, which are the formats that can be ingested`,
    { path },
  );
}

/** Uploads files and ingests them as one batch. */
export async function ingestFiles(
  context: CliContext,
  api: ApiClient,
  path: string,
  files: readonly string[],
): Promise<Run & { state: 'succeeded' }> {
  const batch: { name: string; sha256: string; format: 'csv' | 'parquet' }[] = [];
  for (const file of files) {
    const format = formatOf(file);
    const { size } = await stat(file).catch(() => {
      throw new PerennialError('invalid-request', `${file} does not exist; name the files, or correct data.source`, {
        file,
      });
    });
    context.output.progress(`uploading ${basename(file)} (${size} bytes)`);
    const sha256 = await digestFile(file);
    await api.upload(file, sha256);
    batch.push({ name: basename(file), sha256, format });
  }
  return startAndFollow(context, api, `${path}/datasets`, { files: batch });
}

export async function ingestSource(
  context: CliContext,
  api: ApiClient,
  file: string,
): Promise<Run & { state: 'succeeded' }> {
  const { configuration } = await readConfiguration(file);
  return ingestFiles(context, api, `/v1/models/${configuration.name}`, await sourceFiles([], file));
}

function describeIngestion(run: Run & { state: 'succeeded' }): string {
  const { outcome } = run;
  if (outcome.kind !== 'data') return '';
  return `dataset ${outcome.number} (${short(outcome.digest)}): ${outcome.rows} rows, ${outcome.added} added, ${outcome.skipped} known${outcome.unchanged ? ', unchanged' : ''}`;
}

export function dataVerbs({ program, act }: VerbRegistry): void {
  const data = program.command('data').description('versions of data');

  data
    .command('ingest')
    .description("upload files (default: the configuration's data.source) and append their rows")
    .argument('[files...]', 'CSV or Parquet files')
    .option('-f, --file <file>', 'the configuration', 'perennial.yaml')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial data ingest -f perennial.yaml\n  perennial data ingest --model bike-demand new-hours.csv',
    )
    .action(
      act(async (context, files: string[], options: { file: string }) => {
        const api = apiOf(context);
        const run =
          files.length === 0 && context.options.model === undefined
            ? await ingestSource(context, api, options.file)
            : await ingestFiles(context, api, modelPath(context), await sourceFiles(files, options.file));
        context.output.data(run.outcome, () => describeIngestion(run));
      }),
    );

  data
    .command('log')
    .description('dataset versions, newest first')
    .action(
      act(async (context) => {
        const page = await apiOf(context).get(modelPath(context, '/datasets'), pageSchema(DatasetVersion), {
          environment: context.options.environment,
        });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'digest', 'rows', 'added', 'known', 'parts', 'recorded'],
            page.items.map((v) => [
              v.number,
              short(v.digest),
              v.manifest.rows,
              v.rowsAdded,
              v.rowsSkipped,
              v.manifest.parts.length,
              v.recordedAt,
            ]),
          ),
        );
      }),
    );

  data
    .command('show')
    .description('one version with its schema and profile')
    .argument('<version>', 'number')
    .action(
      act(async (context, version: string) => {
        const dataset = await apiOf(context).get(modelPath(context, `/datasets/${version}`), DatasetVersion, {
          environment: context.options.environment,
        });
        context.output.data(dataset, () => describeDataset(context, dataset));
      }),
    );

  data
    .command('checkout')
    .description('download the rows of a version')
    .argument('<version>', 'number')
    .requiredOption('-o, --output <file>', 'where to; .csv or .parquet')
    .addHelpText('after', '\nExample:\n  perennial data checkout 3 -o rows.parquet')
    .action(
      act(async (context, version: string, options: { output: string }) => {
        const body = await apiOf(context).download(modelPath(context, `/datasets/${version}/rows`), {
          environment: context.options.environment,
          format: formatOf(options.output),
        });
        await pipeline(Readable.fromWeb(body), createWriteStream(options.output));
        context.output.data({ file: options.output }, () => options.output);
      }),
    );

  data
    .command('diff')
    .description('compare two versions (not built yet)')
    .argument('<a>', 'number')
    .argument('<b>', 'number')
    .action(
      act(async (context, a: string, b: string) => {
        const difference = await apiOf(context).get(modelPath(context, `/datasets/${a}/diff/${b}`), z.unknown(), {
          environment: context.options.environment,
        });
        context.output.data(difference, () => JSON.stringify(difference, null, 2));
      }),
    );

  program.commands
    .find((command) => command.name() === 'code')
    ?.command('log')
    .description('code versions, newest first')
    .action(
      act(async (context) => {
        const page = await apiOf(context).get(modelPath(context, '/code'), pageSchema(CodeVersion), {
          environment: context.options.environment,
        });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'digest', 'files', 'command', 'recorded'],
            page.items.map((v) => [
              v.number,
              short(v.digest),
              v.origin.files,
              v.manifest.command.join(' '),
              v.recordedAt,
            ]),
          ),
        );
      }),
    );
}

function describeDataset(context: CliContext, { manifest, profile, number, digest }: DatasetVersion): string {
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
      column?.mean?.toFixed(4) ?? '–',
    ];
  });
  return `dataset ${number} (${short(digest)}): ${manifest.rows} rows in ${manifest.parts.length} parts\n${context.output.table(['column', 'type', 'nulls', 'distinct', 'min', 'max', 'mean'], rows)}`;
}
