import { shortDigest } from '../../contracts/identifiers.ts';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Run } from '../../contracts/runs/run.ts';
import { Schedule } from '../../contracts/runs/schedule.ts';
import { codeLimitsOf, CodeSettings, parseSettings } from '../../contracts/settings/settings.ts';
import type { ApiClient } from '../api-client.ts';
import { archiveFolder, folderWithin, gitStateOf } from '../files/archive-folder.ts';
import { checkEnvironmentFile } from '../files/check-environment-file.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import { digestFile } from '../files/digest-file.ts';
import { withNamelessFile } from '../files/nameless-file.ts';
import { writeTo } from '../files/open-file.ts';
import type { VerbRegistry } from '../verb.ts';
import { startAndFollow } from '../verb.ts';
import { whenItFires } from '../views/when-it-fires.ts';

const Applied = z
  .object({
    environment: z.string(),
    changed: z.boolean(),
    configuration: z.object({ number: z.number(), digest: z.string() }).loose(),
    schedule: Schedule.nullable(),
  })
  .loose();
export type Applied = z.infer<typeof Applied>;

/** Reads a perennial.yaml. Its paths are relative to the folder that contains it. */
export async function readConfiguration(
  file: string,
): Promise<{ readonly text: string; readonly configuration: Configuration; readonly folder: string }> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (caught) {
    throw new PerennialError('invalid-request', `${file} cannot be read: ${reasonOf(caught)}; name the file with -f`, {
      file,
    });
  }
  return { text, configuration: parseConfigurationFile(text), folder: dirname(resolve(file)) };
}

/** Returns the environment that the caller named, or else the one in the configuration. */
export function environmentFor(context: CliContext, configuration: Configuration): string {
  return context.options.environmentGiven ?? configuration.deploy.environment;
}

export async function applyConfiguration(
  context: CliContext,
  api: ApiClient,
  file: string,
  codeRun?: string,
): Promise<Applied & { readonly name: string }> {
  const { text, configuration } = await readConfiguration(file);
  const path = `/v1/models/${configuration.name}`;
  const query = { environment: environmentFor(context, configuration), codeRun };
  const applied = await api.sendText('PUT', path, Applied, text, 'application/yaml', query);
  context.output.note(
    `${configuration.name}: configuration ${applied.configuration.number} ${applied.changed ? 'applied' : 'unchanged'} in ${applied.environment}`,
  );
  const { schedule } = applied;
  if (schedule !== null) for (const sentence of whenItFires(schedule)) context.output.note(`schedule ${sentence}`);
  return { ...applied, name: configuration.name };
}

/**
 * Returns the folder of the code after checking that workers can install what it needs; null if the code comes from
 * git.
 */
async function checkedCode({ path, environment }: Configuration['code'], folder: string): Promise<string | null> {
  if (path === undefined) return null;
  const code = await folderWithin(folder, path);
  await checkEnvironmentFile(code, environment);
  return code;
}

/**
 * Commits the code that the configuration names as a CodeVersion: uploads the folder, or has the server fetch it from
 * git. It becomes the environment's code, unless it is `staged` for a configuration that is applied with it.
 */
export async function snapshotCode(
  context: CliContext,
  api: ApiClient,
  file: string,
  { staged = false }: { readonly staged?: boolean } = {},
): Promise<Run & { state: 'succeeded' }> {
  const { text, configuration, folder } = await readConfiguration(file);
  const path = `/v1/models/${configuration.name}/code`;
  const query = { environment: environmentFor(context, configuration) };
  const code = await checkedCode(configuration.code, folder);
  const body = staged ? { configuration: text } : {};
  if (code === null) return startAndFollow(context, api, path, body, query);
  const archive = await uploadCode(context, api, code);
  return startAndFollow(context, api, path, { ...body, archive, ...(await gitStateOf(code)) }, query);
}

/** Uploads the folder as an archive and returns the archive's digest. */
function uploadCode(context: CliContext, api: ApiClient, folder: string): Promise<string> {
  const limits = codeLimitsOf(parseSettings(CodeSettings, context.env));
  return withNamelessFile(async (archive) => {
    await archiveFolder(folder, writeTo(archive), limits);
    const sha256 = await digestFile(archive);
    await api.upload(archive, sha256);
    return sha256;
  });
}

/**
 * Applies everything or nothing: the code is staged first and becomes the environment's code together with the
 * configuration.
 */
async function applyAll(
  context: CliContext,
  api: ApiClient,
  options: { readonly file: string; readonly code: boolean },
) {
  const code = options.code ? await snapshotCode(context, api, options.file, { staged: true }) : null;
  return { code, applied: await applyConfiguration(context, api, options.file, code?.id) };
}

/**
 * Adds "nothing was applied" to the error, unless the API did not answer, because then it is unknown whether it applied
 * the configuration.
 */
function sayingSo(caught: unknown): unknown {
  if (!(caught instanceof PerennialError) || caught.code.endsWith('-unavailable')) return caught;
  return new PerennialError(caught.code, `nothing was applied: ${caught.message}`, caught.fields, { cause: caught });
}

export function applyVerb({ program, act }: VerbRegistry): void {
  program
    .command('apply')
    .description('apply a perennial.yaml and take a snapshot of its code')
    .option('-f, --file <file>', 'the configuration file', 'perennial.yaml')
    .option('--no-code', 'do not take a snapshot of the code')
    .addHelpText('after', '\nExample:\n  perennial apply -f examples/bike-demand/perennial.yaml')
    .action(
      act(async (context, options: { file: string; code: boolean }) => {
        const api = apiOf(context);
        const { applied, code } = await applyAll(context, api, options).catch((caught: unknown) => {
          throw sayingSo(caught);
        });
        const outcome = code?.outcome.kind === 'code' ? code.outcome : null;
        context.output.data(
          {
            model: applied.name,
            environment: applied.environment,
            configuration: applied.configuration,
            changed: applied.changed,
            schedule: applied.schedule,
            code: outcome,
          },
          () =>
            outcome === null
              ? `${applied.name} configuration ${applied.configuration.number}`
              : `${applied.name} configuration ${applied.configuration.number}, code ${outcome.number} (${shortDigest(outcome.digest)})${outcome.unchanged ? ', unchanged' : ''}`,
        );
      }),
    );
}
