import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { z } from 'zod';
import { reasonOf } from '../../contracts/errors.ts';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import { cancelBeforeLeaving } from '../following/cancel-run.ts';
import type { CliContext, StackFile } from '../cli-context.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { FinishedRehearsal } from '../following/follow-rehearsal.ts';
import { followRehearsal } from '../following/follow-rehearsal.ts';
import { wholeNumber } from '../arguments.ts';
import { runningStack, startStack, stopStack } from '../stack-process.ts';
import type { VerbRegistry } from '../verb.ts';
import { decimals } from '../verb.ts';
import { applyConfiguration, snapshotCode } from './apply-verb.ts';
import { ingestSource } from './data-verbs.ts';
import { addresses } from './stack-verbs.ts';

const Started = z.object({ run: Run, rehearsal: Rehearsal });
type Finished = FinishedRehearsal;

interface Span {
  readonly from: string;
  readonly to: string;
  readonly every: string;
}

async function rehearse(
  context: CliContext,
  api: ApiClient,
  path: string,
  span: Span,
  environment: string,
  onStarted: (runId: string) => void = () => {},
): Promise<Finished> {
  const { run, rehearsal } = await api.send(
    'POST',
    `${path}/rehearsals`,
    Started,
    span,
    { environment },
    { 'idempotency-key': randomUUID() },
  );
  onStarted(run.id);
  context.output.note(`rehearsing in ${rehearsal.environment}`);
  return followRehearsal(context, api, rehearsal.id, run.id);
}

function summaryOf({ summary, periods, environment, id }: Finished) {
  return { rehearsal: id, environment, ...summary, periods: periods.length };
}

function inOneLine({ summary, periods, metric }: Finished): string {
  const { refusedRows = 0, unansweredRows = 0 } = summary;
  const lost = [
    ...(refusedRows === 0 ? [] : [`rows refused by the gateway: ${refusedRows}`]),
    ...(unansweredRows === 0 ? [] : [`rows without a finite answer: ${unansweredRows}`]),
  ];
  return [
    `${periods.length} periods: mean ${metric} ${decimals(summary.metricAsServed, 1)} as served, ${decimals(summary.metricNeverReplaced, 1)} if the first model had never been replaced; ${summary.promoted} retrains promoted, ${summary.refused} refused, ${summary.unchanged} unchanged`,
    ...lost,
  ].join('; ');
}

export function rehearseVerb({ program, act }: VerbRegistry): void {
  program
    .command('rehearse')
    .description(
      'rehearse the policy on past data, period by period, in a separate environment; production is not affected',
    )
    .requiredOption('--from <period>', 'first period, e.g. 2011-07')
    .requiredOption('--to <period>', 'last period, e.g. 2012-12')
    .addOption(new Option('--every <unit>', 'length of a period').choices(['day', 'week', 'month']).default('month'))
    .addHelpText(
      'after',
      '\nExample:\n  perennial rehearse --model bike-demand --from 2011-07 --to 2012-12 --every month',
    )
    .action(
      act(async (context, { from, to, every }: Span) => {
        const { environment } = context.options;
        const span = { from, to, every };
        const finished = await rehearse(context, apiOf(context), modelPath(context), span, environment);
        context.output.data({ ...summaryOf(finished), perPeriod: finished.periods }, () => inOneLine(finished));
      }),
    );
}

const example = fileURLToPath(new URL('../../examples/bike-demand/perennial.yaml', import.meta.url));

/** Shows the whole life of a model on eighteen months of real data, on the embedded stack. */
export function demoVerb({ program, act }: VerbRegistry): void {
  program
    .command('demo')
    .description('rehearse examples/bike-demand from 2011-07 to 2012-12 and leave the stack up')
    .option('--exit', 'stop the stack at the end')
    .option('--periods <n>', 'rehearse only the first n months', wholeNumber)
    .addHelpText('after', '\nExamples:\n  perennial demo\n  perennial demo --exit --json')
    .action(
      act(async (context, options: { exit?: boolean; periods?: number }) => {
        const interrupted = new AbortController();
        // npm and the terminal both forward a signal; the second one must not end this process before the stack has
        // stopped.
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
          process.on(signal, () => interrupted.abort(signal));
        const running = await runningStack(context);
        let rehearsing: string | undefined;
        try {
          const stack = running ?? (await startStack(context, interrupted.signal));
          const { finished, seconds } = await tellDemo(
            context,
            stack,
            lastMonth(options.periods ?? 18),
            interrupted.signal,
            (runId) => (rehearsing = runId),
          );
          rehearsing = undefined;
          if (options.exit === true) await stopStack(context);
          else context.output.note(`\n${lastScreen(context, stack, finished)}`);
          context.output.data({ ...summaryOf(finished), seconds }, () => inOneLine(finished));
        } catch (caught) {
          // Interrupted or failed: the stack is stopped if the demo started it.
          const left = running === undefined ? await leave(context, rehearsing) : reasonOf(caught);
          if (!interrupted.signal.aborted) throw caught;
          process.exitCode = exitCodes.interrupted;
          context.output.note(left);
        }
      }),
    );
}

/**
 * Stops the stack that the demo started. Cancels its rehearsal first; otherwise it would continue, next to that of the
 * next demo, when the stack is started again. Returns a sentence about what remains.
 */
async function leave(context: CliContext, rehearsing: string | undefined): Promise<string> {
  const isCancelled =
    rehearsing !== undefined && (await cancelBeforeLeaving(apiOf(context), rehearsing, 'the demo was interrupted'));
  await stopStack(context);
  const state = `the stack has stopped; its state is kept in ${context.home}`;
  if (rehearsing === undefined) return state;
  return isCancelled
    ? `${state}. The unfinished rehearsal is cancelled`
    : `${state}. The unfinished rehearsal continues when the stack is started again; perennial runs cancel ${rehearsing} ends the rehearsal`;
}

function lastMonth(periods: number): string {
  const index = 6 + Math.min(18, Math.max(1, periods)) - 1;
  return `${2011 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`;
}

async function tellDemo(
  context: CliContext,
  stack: StackFile,
  to: string,
  signal: AbortSignal,
  onStarted: (runId: string) => void,
): Promise<{ readonly finished: Finished; readonly seconds: number }> {
  const { output } = context;
  const begun = Date.now();
  output.done();
  output.note(`the stack is up in ${context.home}\n${addresses(stack)}\n`);
  const api = apiOf(context);
  const { name, environment } = await applyConfiguration(context, api, example);
  const data = await ingestSource(context, api, example);
  if (data.outcome.kind === 'data')
    output.note(
      `dataset ${data.outcome.number}: ${data.outcome.rows} hours of bike rentals, ${data.outcome.added} new`,
    );
  const code = await snapshotCode(context, api, example);
  if (code.outcome.kind === 'code') output.note(`code ${code.outcome.number}: ${code.outcome.digest.slice(0, 12)}`);
  signal.throwIfAborted();
  output.note(
    'for each month: serve its rows hour by hour, label, ingest and monitor them, then build; a version that passes its gates is promoted',
  );
  const span = { from: '2011-07', to, every: 'month' };
  const finished = await rehearse(context, api, `/v1/models/${name}`, span, environment, (runId) => {
    onStarted(runId);
    // Acts on an interruption that came while the rehearsal was being requested.
    signal.throwIfAborted();
  });
  return { finished, seconds: Math.round((Date.now() - begun) / 100) / 10 };
}

function lastScreen({ home }: CliContext, stack: StackFile, { environment, model }: Finished): string {
  return [
    addresses(stack),
    `report       ${stack.api}/v1/models/${model}/reports/latest/page.html?environment=${environment}`,
    `keys         ${join(home, 'keys.json')} (for the report and the API page: any user name, the key as password)`,
    'stop the stack with perennial down',
    '',
  ].join('\n');
}
