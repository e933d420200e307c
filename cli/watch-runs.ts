import { setTimeout as pause } from 'node:timers/promises';
import { Run } from '../contracts/run.ts';
import type { ApiClient } from './api-client.ts';
import type { CliContext } from './context.ts';
import { pageSchema } from './verb.ts';

const pollMs = 500;

/** One line for each change of state of any run, until the process is told to stop. */
export async function watchRuns(context: CliContext, api: ApiClient): Promise<void> {
  const known = new Map<string, string>();
  context.output.note('watching runs; Ctrl-C ends it');
  for (;;) {
    const { items } = await api.get('/v1/runs', pageSchema(Run), { model: context.options.model, limit: 50 });
    for (const run of [...items].reverse()) {
      const seen = `${run.state}/${run.steps.findLast((step) => step.state === 'running')?.name ?? ''}`;
      if (known.get(run.id) === seen) continue;
      known.set(run.id, seen);
      context.output.line(
        run,
        `${new Date().toISOString()} ${run.model}/${run.environment} ${run.request.kind} ${seen.replace(/\/$/, '')} (${run.because})`,
      );
    }
    await pause(pollMs);
  }
}
