import { z } from 'zod';
import type { BenchStack } from './bench-stack.ts';

const Step = z.object({ name: z.string(), startedAt: z.string(), endedAt: z.string().nullable() }).loose();
const EndedRun = z
  .object({
    id: z.string(),

    state: z.string(),
    startedAt: z.string(),
    endedAt: z.string(),
    steps: z.array(Step),
  })
  .loose();

export interface TimedRun {
  readonly id: string;
  readonly milliseconds: number;
  readonly steps: readonly { readonly name: string; readonly milliseconds: number }[];
}

/** Returns the newest run of a kind, which must have succeeded, with its times as the database has them. */
export async function newestRun(stack: BenchStack, model: string, kind: string): Promise<TimedRun> {
  const list = await stack.ask('GET', `/v1/runs?model=${model}&kind=${kind}&limit=1`);
  const [newest] = z
    .object({ items: z.array(z.object({ id: z.string() }).loose()) })
    .loose()
    .parse(list).items;
  if (newest === undefined) throw new Error(`${model} has no run of kind ${kind}`);
  const run = EndedRun.parse(await stack.ask('GET', `/v1/runs/${newest.id}`));
  if (run.state !== 'succeeded') throw new Error(`the run ${run.id} of ${model} ended as ${run.state}`);
  return {
    id: run.id,
    milliseconds: between(run.startedAt, run.endedAt),
    steps: run.steps.map(({ name, startedAt, endedAt }) => ({
      name,
      milliseconds: between(startedAt, endedAt ?? startedAt),
    })),
  };
}

function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}
