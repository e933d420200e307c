import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { isFinal, LogLine, Run } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { mustHaveAchieved, patiently } from './follow-run.ts';
import { whileWaitingFor } from './interruption.ts';
import { outcomeOf, progressOf, stepOf, viewOfRun, viewOfRuns } from '../views/run-view.ts';

const pollMs = 500;
const logLines = 8;
const Runs = z.object({ items: z.array(Run) });
const LogPage = z.object({ items: z.array(LogLine) });

/**
 * Watches all runs until Ctrl-C: as a table that redraws itself on a terminal, otherwise as one line per change of a
 * run.
 */
export async function watchRuns(context: CliContext, api: ApiClient): Promise<void> {
  const { output, options } = context;
  const ended = new AbortController();
  process.on('SIGINT', () => ended.abort());
  const tell = changes(context);
  output.note('watching runs; press Ctrl-C to stop');
  while (!ended.signal.aborted) {
    try {
      const { items } = await patiently(
        context,
        () => api.get('/v1/runs', Runs, { model: options.model, environment: options.environmentGiven, limit: 50 }),
        ended.signal,
      );
      if (output.live) output.draw(viewOfRuns(items, output.dataColours, Date.now()));
      else for (const run of items.toReversed()) tell(run);
      await pause(pollMs, undefined, { signal: ended.signal });
    } catch (caught) {
      if (!ended.signal.aborted) throw caught;
    }
  }
}

/** Watches one run until it ends: its steps and the end of its log on a terminal, otherwise one line per change. */
export async function watchRun(context: CliContext, api: ApiClient, id: string): Promise<void> {
  const { output } = context;
  const first = await api.get(`/v1/runs/${id}`, Run);
  const tell = changes(context);
  const log: LogLine[] = [];
  const run = await whileWaitingFor({ id, kind: first.request.kind }, async (signal) => {
    for (;;) {
      const now = await patiently(context, () => api.get(`/v1/runs/${id}`, Run), signal);
      if (output.live) {
        const after = log.at(-1)?.sequence ?? 0;
        log.push(...(await patiently(context, () => api.get(`/v1/runs/${id}/logs`, LogPage, { after }), signal)).items);
        log.splice(0, log.length - logLines);
        output.draw(
          viewOfRun(
            now,
            log.map(({ line }) => line),
            output.dataColours,
            Date.now(),
          ),
        );
      } else tell(now);
      if (isFinal(now.state)) return now;
      await pause(pollMs, undefined, { signal });
    }
  });
  if (output.live) output.data(run, () => `${run.state}: ${outcomeOf(run)}`);
  mustHaveAchieved(run);
}

/** Returns a function that prints a run if its state, step or progress has changed since it was last printed. */
function changes(context: CliContext): (run: Run) => void {
  const known = new Map<string, string>();
  return (run) => {
    const at = isFinal(run.state) ? `${run.state}: ${outcomeOf(run)}` : `${stepOf(run)} ${progressOf(run)}`.trimEnd();
    if (known.get(run.id) === at) return;
    known.set(run.id, at);
    context.output.line(
      run,
      `${new Date().toISOString()} ${run.id} ${run.model}/${run.environment} ${run.request.kind} ${at}`,
    );
  };
}
