import { z } from 'zod';
import { Evaluation } from '../../contracts/evaluation.ts';
import { ModelVersion } from '../../contracts/model-version.ts';
import type { Run } from '../../contracts/run.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { apiOf, modelPath } from '../context.ts';
import type { CliContext } from '../context.ts';
import type { VerbRegistry } from '../verb.ts';
import { decimals, pageSchema, short, startAndFollow } from '../verb.ts';

const Versioned = ModelVersion.extend({ evaluation: Evaluation.nullable() });
type Versioned = z.infer<typeof Versioned>;

export function buildVerbs({ program, act }: VerbRegistry): void {
  program
    .command('build')
    .description('train, evaluate and gate a version')
    .option('--as-of <instant>', 'read the window back from this instant (default: now)')
    .option('--dataset <number>', 'a dataset version other than the newest', Number)
    .option('--code <number>', 'a code version other than the newest', Number)
    .option('--param <name=value...>', 'override build.params')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial build\n  perennial build --as-of 2011-07-01T04:00:00Z --param max_iter=50',
    )
    .action(
      act(async (context, options: { asOf?: string; dataset?: number; code?: number; param?: string[] }) => {
        const body = {
          asOf: options.asOf,
          dataset: options.dataset,
          code: options.code,
          params: options.param === undefined ? undefined : Object.fromEntries(options.param.map(parseParameter)),
        };
        const run = await startAndFollow(context, apiOf(context), modelPath(context, '/builds'), body, {
          logs: !context.output.json,
        });
        context.output.data(run.outcome, () => describeBuild(run));
      }),
    );

  const versions = program
    .command('versions')
    .description('model versions, newest first')
    .action(
      act(async (context) => {
        const page = await apiOf(context).get(modelPath(context, '/versions'), pageSchema(Versioned), {
          environment: context.options.environment,
        });
        context.output.data(page, () =>
          context.output.table(
            ['version', 'artifact', 'rows', 'metric', 'value', 'champion', 'verdict', 'reasons'],
            page.items.map(versionRow),
          ),
        );
      }),
    );

  versions
    .command('show')
    .description('one version with its evaluation and lineage')
    .argument('<version>', 'number')
    .action(
      act(async (context, number: string) => {
        const version = await apiOf(context).get(modelPath(context, `/versions/${number}`), Versioned.loose(), {
          environment: context.options.environment,
        });
        context.output.data(version, () => describeVersion(context, version));
      }),
    );
}

function parseParameter(text: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new PerennialError('invalid-request', `--param ${text} is not NAME=VALUE`, { param: text });
  try {
    return [name, JSON.parse(value)];
  } catch {
    // Not JSON: a bare word is a string.
    return [name, value];
  }
}

function describeBuild(run: Run & { state: 'succeeded' }): string {
  const { outcome } = run;
  if (outcome.kind !== 'build') return '';
  const why = outcome.reasons.length === 0 ? '' : `: ${outcome.reasons.join('; ')}`;
  return `version ${outcome.number} is ${outcome.decision}${outcome.reused ? ' (trained before)' : ''}${why}`;
}

function versionRow(version: Versioned): (string | number)[] {
  const body = version.evaluation?.body;
  const metric = body?.metric === undefined ? undefined : metricName(body.metric);
  const value = (metrics: Record<string, unknown> | null | undefined) =>
    decimals(metric === undefined ? undefined : Number(metrics?.[metric]));
  return [
    version.number,
    short(version.artifact),
    version.trained.trainingRows,
    metric ?? '–',
    value(body?.challenger),
    body?.champion === null ? '–' : value(body?.champion),
    body?.verdict ?? 'not evaluated',
    body?.reasons.join('; ') ?? '',
  ];
}

function metricName(name: string): string {
  return name;
}

function describeVersion(context: CliContext, version: Versioned): string {
  const body = version.evaluation?.body;
  const head = `version ${version.number}: ONNX ${short(version.artifact)}, trained on ${version.trained.trainingRows} rows of ${version.trained.from} to ${version.trained.to}`;
  if (body === undefined) return head;
  const gates = context.output.table(
    ['gate', 'verdict', 'value', 'threshold', 'n', 'reason'],
    body.gates.map((gate) => [
      gate.gate,
      gate.verdict,
      decimals(gate.value, 4),
      decimals(gate.threshold, 4),
      gate.n,
      gate.reason,
    ]),
  );
  return `${head}\n${body.verdict}${body.reasons.length > 0 ? `: ${body.reasons.join('; ')}` : ''}\n${gates}`;
}
