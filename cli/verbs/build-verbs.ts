import { shortDigest } from '../../contracts/identifiers.ts';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { modelFormats } from '../../contracts/model-format.ts';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import { PermutationImportance } from '../../contracts/models/importance.ts';
import { modelVersionWith } from '../../contracts/models/model-version.ts';
import { describeUnlabelled } from '../../contracts/data/unlabelled-rows.ts';
import { instant, limitOption, wholeNumber } from '../arguments.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import { describeEvaluation, scoreOf } from '../views/evidence-view.ts';
import { mustHaveAchieved } from '../following/follow-run.ts';
import { listUpTo } from '../views/lists.ts';
import type { Output } from '../output.ts';
import { outcomeOf } from '../views/run-view.ts';
import { ShownExplanation, describeBuild, describeImportance } from '../views/build-view.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted, decimals, detachOption, startAndFollow, startRun, tellDetached } from '../verb.ts';

const Ancestor = z.object({ number: z.number(), digest: z.string() }).loose();
const versionedFields = { evaluation: Evaluation.nullable() };
const Versioned = modelVersionWith(versionedFields);
type Versioned = z.infer<typeof Versioned>;
const WithLineage = modelVersionWith({
  ...versionedFields,
  evaluations: z.array(Evaluation),
  lineage: z.object({ dataset: Ancestor, code: Ancestor, configuration: Ancestor }),
  importance: PermutationImportance.nullable(),
});

interface BuildOptions {
  readonly asOf?: string;
  readonly dataset?: number;
  readonly code?: number;
  readonly detach?: boolean;
  readonly param?: Readonly<Record<string, unknown>>;
}

export function buildVerbs(registry: VerbRegistry): void {
  buildVerb(registry);
  explainVerb(registry);
  versionVerbs(registry);
}

function buildVerb({ program, act }: VerbRegistry): void {
  program
    .command('build')
    .description('train and evaluate a version and apply its gates; the command fails if a gate rejects the version')
    .option('--as-of <instant>', 'use the window of rows that ends at this instant (default: now)', instant)
    .option('--dataset <number>', 'use this dataset version instead of the newest one', wholeNumber)
    .option('--code <number>', 'use this code version instead of the newest one', wholeNumber)
    .option(...detachOption)
    .option('--param <name=value>', 'override one of build.params; may be repeated', addParameter)
    .addHelpText(
      'after',
      '\nExamples:\n  perennial build\n  perennial build --as-of 2011-07-01T04:00:00Z --param max_iter=50',
    )
    .action(
      act(async (context, { asOf, dataset, code, param, detach = false }: BuildOptions) => {
        const body = { asOf, dataset, code, params: param };
        const [api, path] = [apiOf(context), modelPath(context, '/builds')];
        if (detach) return tellDetached(context, await startRun(api, path, body, context.options.environment));
        const run = await startAndFollow(context, api, path, body, {
          logs: !context.output.json,
        });
        context.output.data(run.outcome, () => outcomeOf(run));
        mustHaveAchieved(run);
      }),
    );
}

function explainVerb({ program, act }: VerbRegistry): void {
  const builds = program.command('builds').description('explain builds');
  builds
    .command('show')
    .description('show what a build reused and what it ran')
    .argument('<build>', 'the number of a version, or the id of a build run')
    .option(
      '--why',
      'list the training inputs, such as rows, code and parameters, that differ from those of the champion or of the previous version',
    )
    .addHelpText('after', '\nExamples:\n  perennial builds show 3 --why\n  perennial builds show 3 --json')
    .action(
      act(async (context, build: string, { why = false }: { why?: boolean }) => {
        const path = modelPath(context, `/builds/${encodeURIComponent(build)}`);
        const { environment } = context.options;
        const told = await apiOf(context).get(path, ShownExplanation, { environment });
        context.output.data(told, () => describeBuild(context.output, told, why));
      }),
    );
}

function versionVerbs({ program, act }: VerbRegistry): void {
  const versions = program
    .command('versions')
    .description('list model versions, newest first')
    .addOption(limitOption(50))
    .addHelpText('after', '\nExamples:\n  perennial versions\n  perennial versions show 3')
    .action(
      act(async (context, { limit }: { limit: number }) => {
        const query = { environment: context.options.environment };
        const path = modelPath(context, '/versions');
        const page = await listUpTo(context, apiOf(context), path, Versioned, { limit, query });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'artifact', 'rows', 'metric', 'value', 'champion', 'verdict', 'reasons'],
            page.items.map((version) => versionRow(context.output, version)),
          ),
        );
      }),
    );

  versions
    .command('show')
    .description('show a model version with its lineage, gates, intervals and slices')
    .argument('<version>', 'number of the model version', wholeNumber)
    .addHelpText('after', '\nExample:\n  perennial versions show 3 --model bike-demand')
    .action(
      act(async (context, number: number) => {
        const version = await apiOf(context).get(modelPath(context, `/versions/${number}`), WithLineage, {
          environment: context.options.environment,
        });
        context.output.data(version, () => describeVersion(context, version));
      }),
    );
}

function addParameter(text: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected NAME=VALUE.');
  try {
    return { ...before, [name]: JSON.parse(value) };
  } catch {
    // A value that is not JSON is taken as a string.
    return { ...before, [name]: value };
  }
}

function versionRow(output: Output, { number, artifact, trained, evaluation }: Versioned): (string | number)[] {
  const body = evaluation?.body;
  const known = [number, shortDigest(artifact), trained.trainingRows];
  if (body === undefined) return [...known, '–', '–', '–', 'not evaluated', ''];
  return [
    ...known,
    body.metric,
    decimals(scoreOf(body.challenger, body.metric)),
    body.champion === null ? '–' : decimals(scoreOf(body.champion, body.metric)),
    body.verdict,
    body.reasons.map((reason) => output.brief(reason)).join('; '),
  ];
}

function describeVersion({ output, options }: CliContext, version: z.infer<typeof WithLineage>): string {
  const { lineage, trained, scriptMetrics, evaluation } = version;
  const made = (['dataset', 'code', 'configuration'] as const)
    .map((noun) => `${noun} ${lineage[noun].number} (${shortDigest(lineage[noun].digest)})`)
    .join(', ');
  // Without a window, the rows are read from before the first row on, so only the end is shown.
  const since = trained.from.startsWith('0001') ? `up to ${trained.to}` : `from ${trained.from} to ${trained.to}`;
  const said = Object.entries(scriptMetrics).map(([name, value]) => `${name} ${value}`);
  return [
    output.dataColours.bold(`version ${version.number}`),
    `artifact  ${modelFormats[version.format].title} ${version.artifact}, ${version.artifactBytes} bytes`,
    `lineage   ${made}`,
    `rows      ${counted(trained.trainingRows, 'row')} trained on, ${trained.holdoutRows} held out, ${since}`,
    ...(trained.unlabelled === undefined ? [] : [`          ${describeUnlabelled(trained.unlabelled)}`]),
    `run       ${version.runId}, ${version.recordedAt}`,
    ...(said.length === 0 ? [] : [`metrics reported by the script: ${said.join(', ')}`]),
    ...describeImportance(output, version.importance),
    evaluation === null
      ? `this version was never evaluated in ${options.environment}`
      : describeEvaluation(output, evaluation.body, output.dataColours),
  ].join('\n');
}
