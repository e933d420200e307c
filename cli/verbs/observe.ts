import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { LabelInput } from '../../contracts/prediction.ts';
import { Report } from '../../contracts/report.ts';
import type { CliContext } from '../context.ts';
import { apiOf, modelPath } from '../context.ts';
import type { VerbRegistry } from '../verb.ts';
import { decimals, pageSchema, startAndFollow } from '../verb.ts';

const Accepted = z.object({ accepted: z.number(), repeated: z.number(), conflicts: z.array(z.unknown()) });

export function observeVerbs({ program, act }: VerbRegistry): void {
  program
    .command('labels')
    .description('ground truth')
    .command('send')
    .description('send labels by prediction id: NDJSON of {"id", "value", "at"?}, or CSV with a header id,value')
    .argument('<file>', '.ndjson, .jsonl or .csv')
    .addHelpText('after', '\nExample:\n  perennial labels send labels.ndjson')
    .action(
      act(async (context, file: string) => {
        const labels = parseLabels(file, await readFile(file, 'utf8'));
        const accepted = await apiOf(context).send('POST', modelPath(context, '/labels'), Accepted, labels, {
          environment: context.options.environment,
        });
        context.output.data(
          accepted,
          () =>
            `${accepted.accepted} labels taken, ${accepted.repeated} known, ${accepted.conflicts.length} in conflict with the first one given`,
        );
      }),
    );

  program
    .command('monitor')
    .description('report on a window of what was served, now')
    .option('--as-of <instant>', 'the end of the window (default: now)')
    .option('--window <duration>', 'e.g. "1 month" (default: monitor.window)')
    .action(
      act(async (context, options: { asOf?: string; window?: string }) => {
        const api = apiOf(context);
        const run = await startAndFollow(context, api, modelPath(context, '/reports'), {
          asOf: options.asOf,
          window: options.window,
        });
        if (run.outcome.kind !== 'monitor') return;
        const report = await api.get(modelPath(context, `/reports/${run.outcome.reportId}`), Report, {
          environment: context.options.environment,
        });
        context.output.data(report, () => describeReport(context, report));
      }),
    );

  program
    .command('reports')
    .description('monitoring reports, newest first')
    .action(
      act(async (context) => {
        const page = await apiOf(context).get(modelPath(context, '/reports'), pageSchema(Report), {
          environment: context.options.environment,
        });
        context.output.data(page, () =>
          context.output.table(
            ['id', 'from', 'to', 'predictions', 'labelled', 'rmse', 'open findings'],
            page.items.map(({ id, body }) => [
              id,
              body.from,
              body.to,
              body.predictions,
              body.labelled,
              decimals(body.performance?.rmse),
              body.findings.filter((finding) => finding.state !== 'closed').length,
            ]),
          ),
        );
      }),
    );
}

function parseLabels(file: string, text: string): LabelInput[] {
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== '');
  const csv = file.toLowerCase().endsWith('.csv');
  const body = csv ? lines.slice(1) : lines;
  if (csv && lines[0]?.line.trim() !== 'id,value')
    throw new PerennialError('invalid-request', `${file} must begin with the header id,value`, { file });
  return body.map(({ line, number }) => {
    const parsed = LabelInput.safeParse(
      csv ? { id: line.split(',')[0], value: Number(line.split(',')[1]) } : parseJson(line),
    );
    if (!parsed.success)
      throw new PerennialError(
        'invalid-request',
        `${file} line ${number} is not a label: expected ${csv ? 'id,value' : '{"id": "…", "value": 1}'}`,
        { file, line: number },
      );
    return parsed.data;
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function describeReport(context: CliContext, { body }: Report): string {
  const drift = context.output.table(
    ['column', 'subject', 'test', 'statistic', 'threshold', 'verdict'],
    body.drift.map((d) => [
      d.column,
      d.subject,
      d.test,
      d.statistic.toFixed(4),
      d.threshold,
      d.excluded ? 'excluded' : d.drifted ? 'drifted' : 'steady',
    ]),
  );
  const performance =
    body.performance === null
      ? 'no labels have arrived'
      : `rmse ${body.performance.rmse.toFixed(2)} over ${body.labelled} labelled rows`;
  return `${body.from} to ${body.to}: ${body.predictions} predictions, ${performance}${body.sufficient ? '' : ' (too few to decide anything)'}\n${drift}`;
}
