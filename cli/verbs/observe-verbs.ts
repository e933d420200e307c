import { InvalidArgumentError } from 'commander';
import { Duration } from '../../contracts/time/duration.ts';
import { driftWord, leftOutWords, Report } from '../../contracts/monitoring/report.ts';
import { idArgument, instant, limitOption } from '../arguments.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import { headline } from '../views/evidence-view.ts';
import { downloadTo, refuseToOverwrite } from '../files/download.ts';
import { listUpTo } from '../views/lists.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted, detachOption, startAndFollow, startRun, tellDetached } from '../verb.ts';
import { labelsVerb } from './labels-verb.ts';

export function observeVerbs(registry: VerbRegistry): void {
  labelsVerb(registry);
  monitorVerb(registry);
  reportVerbs(registry);
}

function monitorVerb({ program, act }: VerbRegistry): void {
  program
    .command('monitor')
    .description('create a monitoring report now, over the predictions served in a window')
    .option('--as-of <instant>', 'the end of the window (default: now)', instant)
    .option('--window <duration>', 'length of the window, e.g. "1 month" (default: monitor.window)', duration)
    .option(...detachOption)
    .addHelpText(
      'after',
      '\nExamples:\n  perennial monitor\n  perennial monitor --as-of 2026-11-17T00:00:00Z --window "7 days"',
    )
    .action(
      act(async (context, { asOf, window, detach = false }: { asOf?: string; window?: string; detach?: boolean }) => {
        const [api, path] = [apiOf(context), modelPath(context, '/reports')];
        if (detach)
          return tellDetached(context, await startRun(api, path, { asOf, window }, context.options.environment));
        const run = await startAndFollow(context, api, path, { asOf, window });
        if (run.outcome.kind !== 'monitor') throw new Error(`the run ${run.id} made no report`);
        const report = await reportOf(context, api, run.outcome.reportId);
        context.output.data(report, () => describeReport(context, report));
      }),
    );
}

function duration(text: string): string {
  if (!Duration.safeParse(text).success)
    throw new InvalidArgumentError('Expected a duration such as 12h, "7 days" or "1 month".');
  return text;
}

function reportVerbs({ program, act }: VerbRegistry): void {
  const reports = program
    .command('reports')
    .description('list monitoring reports, newest first')
    .addOption(limitOption(20))
    .addHelpText('after', '\nExamples:\n  perennial reports\n  perennial reports --environment rehearsal-b78284f8')
    .action(
      act(async (context, { limit }: { limit: number }) => {
        const query = { environment: context.options.environment };
        const page = await listUpTo(context, apiOf(context), modelPath(context, '/reports'), Report, { limit, query });
        context.output.data(page, () =>
          context.output.table(
            ['id', 'from', 'to', 'predictions', 'labelled', 'performance', 'open findings'],
            page.items.map(({ id, body }) => [
              id,
              body.from,
              body.to,
              body.predictions,
              body.labelled,
              body.performance === null ? '–' : headline(body.performance, body.metric),
              body.findings.filter((finding) => finding.state !== 'closed').length,
            ]),
          ),
        );
      }),
    );

  reports
    .command('show')
    .description('show a monitoring report with its tests and findings')
    .argument('<id>', 'id of the report', idArgument('reports'))
    .option(
      '--html <file>',
      'write the complete report to one HTML page with plots: drift and performance over time, distributions',
    )
    .option('--force', 'overwrite an existing file')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial reports show 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10\n  perennial reports show 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10 --html report.html',
    )
    .action(
      act(async (context, id: string, { html, force }: { html?: string; force?: boolean }) => {
        if (html !== undefined) return writePage(context, apiOf(context), id, html, force === true);
        const report = await reportOf(context, apiOf(context), id);
        context.output.data(report, () => describeReport(context, report));
      }),
    );
}

function reportOf(context: CliContext, api: ApiClient, id: string): Promise<Report> {
  return api.get(modelPath(context, `/reports/${id}`), Report, { environment: context.options.environment });
}

async function writePage(
  context: CliContext,
  api: ApiClient,
  id: string,
  file: string,
  overwrite: boolean,
): Promise<void> {
  await refuseToOverwrite(file, overwrite);
  const path = modelPath(context, `/reports/${id}/page.html`);
  const page = await api.download(path, { environment: context.options.environment });
  const bytes = await downloadTo(file, page, () => {});
  context.output.data({ file, bytes }, () => `${file}: the report ${id}; open the file in a browser`);
}

function describeReport({ output }: CliContext, { body }: Report): string {
  const drift = output.table(
    ['column', 'subject', 'test', 'statistic', 'threshold', 'by chance', 'verdict'],
    body.drift.map((d) => [
      d.column,
      d.subject,
      d.test,
      d.statistic.toFixed(4),
      d.threshold,
      d.critical === undefined ? '–' : `up to ${d.critical.toFixed(4)}`,
      driftWord(d),
    ]),
  );
  const findings = output.table(
    ['finding', 'subject', 'state', 'value', 'threshold', 'since'],
    body.findings.map((f) => [f.kind, f.subject, f.state, f.value.toFixed(4), Number(f.threshold.toFixed(4)), f.since]),
  );
  const performance =
    body.performance === null
      ? 'no labels have arrived'
      : `${headline(body.performance, body.metric)} over ${counted(body.labelled, 'labelled row')}`;
  return [
    `${body.from} to ${body.to}: ${counted(body.predictions, 'prediction')}, ${performance}${body.sufficient ? '' : ' (too few for a decision)'}`,
    ...(body.drift.length > 0 ? [drift] : []),
    ...(body.referenceNote === undefined ? [] : [body.referenceNote]),
    ...(body.leftOut ?? []).map(leftOutWords),
    ...(body.repeatedIds === undefined
      ? []
      : [
          `${counted(body.repeatedIds.predictions, 'more prediction')} had an id that was already used, such as "${body.repeatedIds.example}"; only the first prediction with an id counts`,
        ]),
    ...(body.waitingLabels === undefined
      ? []
      : [
          `${counted(body.waitingLabels, 'label')} ${body.waitingLabels === 1 ? 'waits' : 'wait'} for predictions that have not arrived`,
        ]),
    ...estimateLine(body),
    body.findings.length > 0 ? findings : 'no findings',
    ...(body.triggers.length > 0 ? [`triggers: ${body.triggers.join(', ')}`] : []),
  ].join('\n');
}

function estimateLine({ estimate }: Report['body']): string[] {
  if (estimate === null || estimate === undefined) return [];
  const told = estimate.metrics.map(
    ({ name, value, samplingError }) => `${name} ${value.toPrecision(4)} ± ${samplingError.toPrecision(2)}`,
  );
  return [`estimated without labels (${estimate.method.toUpperCase()}): ${told.join(', ')}`];
}
