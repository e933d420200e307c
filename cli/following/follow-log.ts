import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import { LogLine, Run } from '../../contracts/runs/run.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { mustHaveAchieved } from './follow-run.ts';
import { whileWaitingFor } from './interruption.ts';

const LogPage = z.object({ items: z.array(LogLine), next: z.number() });
const patienceMs = 60_000;

/** Prints the log of a run up to now. */
export async function printLog(context: CliContext, api: ApiClient, id: string): Promise<void> {
  for (let after = 0; ;) {
    const page = await api.get(`/v1/runs/${id}/logs`, LogPage, { after });
    for (const line of page.items) context.output.line(line, line.line);
    if (page.items.length === 0) return;
    after = page.next;
  }
}

/**
 * Prints the log of a run as it is written, until the run ends. If the stream breaks, continues after the last line
 * that was printed.
 */
export async function followLog(context: CliContext, api: ApiClient, id: string): Promise<void> {
  const { request } = await api.get(`/v1/runs/${id}`, Run);
  const run = await whileWaitingFor({ id, kind: request.kind }, async (signal) => {
    let after = 0;
    for (let giveUpAt = Date.now() + patienceMs; ;) {
      try {
        for await (const { event, data } of api.events(`/v1/runs/${id}/logs`, { after }, signal)) {
          giveUpAt = Date.now() + patienceMs;
          if (event === 'end') return Run.parse(JSON.parse(data));
          if (event !== 'log') continue;
          const line = LogLine.parse(JSON.parse(data));
          after = line.sequence;
          context.output.line(line, line.line);
        }
      } catch (caught) {
        const refused = caught instanceof PerennialError && !caught.code.endsWith('-unavailable');
        if (signal.aborted || refused || Date.now() > giveUpAt) throw caught;
      }
      await pause(1_000, undefined, { signal });
    }
  });
  mustHaveAchieved(run);
}
