import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { isErrorCode, PerennialError } from '../contracts/errors.ts';
import type { Id } from '../contracts/identifiers.ts';
import { isFinal, LogLine, Run } from '../contracts/run.ts';
import type { ApiClient } from './api-client.ts';
import type { CliContext } from './context.ts';

const pollMs = 300;
const LogPage = z.object({ items: z.array(LogLine) });

/** Shows a run until it is over: its steps as one moving line, its logs as lines. Answers the finished run. */
export async function followRun(
  context: CliContext,
  api: ApiClient,
  runId: Id,
  options: { readonly logs: boolean; readonly untilApproval?: boolean },
): Promise<Run> {
  const { output } = context;
  const begun = Date.now();
  let seen = 0;
  for (;;) {
    const run = await api.get(`/v1/runs/${runId}`, Run);
    if (options.logs) seen = await printLogs(context, api, runId, seen);
    if (isFinal(run.state) || (options.untilApproval === true && run.state === 'awaiting-approval')) {
      output.done();
      return run;
    }
    output.progress(describe(run, Math.round((Date.now() - begun) / 1000)));
    await pause(pollMs);
  }
}

async function printLogs(context: CliContext, api: ApiClient, runId: Id, after: number): Promise<number> {
  const { items } = await api.get(`/v1/runs/${runId}/logs`, LogPage, { after });
  for (const { stream, line } of items) context.output.note(`${context.output.colours.dim(stream)} ${line}`);
  return items.at(-1)?.sequence ?? after;
}

function describe(run: Run, seconds: number): string {
  const step = run.steps.findLast(({ state }) => state === 'running')?.name ?? run.state;
  const progress = run.progress === null ? '' : ` ${Math.round(run.progress.fraction * 100)} % ${run.progress.message}`;
  return `${run.request.kind} ${step}${progress} (${seconds} s)`;
}

/** Throws the run's own failure, so that the verb ends with it. */
export function mustHaveSucceeded(run: Run): Run & { state: 'succeeded' } {
  if (run.state === 'succeeded') return run;
  if (run.state === 'failed')
    throw new PerennialError(
      isErrorCode(run.failure.code) ? run.failure.code : 'internal',
      `the ${run.request.kind} run ${run.id} failed (${run.failure.code}): ${run.failure.message}`,
      { runId: run.id },
    );
  throw new PerennialError('cancelled', `the ${run.request.kind} run ${run.id} is ${run.state}`, { runId: run.id });
}
