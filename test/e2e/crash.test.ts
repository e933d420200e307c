import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Rehearsal } from '../../contracts/runs/rehearsal.ts';
import { Run } from '../../contracts/runs/run.ts';
import type { EmbeddedStack } from '../support/embedded-stack.ts';
import { until } from '../support/until.ts';
import { startStackOfRun } from '../support/stack-of-run.ts';

// Kills the worker with `kill -9` during each kind of work. The rehearsal must give the same versions, digests and
// decisions as an undisturbed one.

const example = 'examples/bike-demand/perennial.yaml';
const minutes = 60_000;
const stacks: EmbeddedStack[] = [];
afterEach(async () => {
  for (const stack of stacks.splice(0)) await stack.end();
});

async function prepared(): Promise<EmbeddedStack> {
  const stack = await startStackOfRun();
  stacks.push(stack);
  await stack.json(z.unknown(), ['apply', '-f', example]);
  await stack.json(z.unknown(), ['data', 'ingest', '-f', example]);
  return stack;
}

async function rehearse(stack: EmbeddedStack): Promise<z.infer<typeof Rehearsal>> {
  const span = ['--from', '2011-07', '--to', '2011-09'];
  const { rehearsal } = await stack.json(z.object({ rehearsal: z.string() }).loose(), [
    'rehearse',
    '--model',
    'bike-demand',
    ...span,
  ]);
  return stack.get(Rehearsal, `/v1/rehearsals/${rehearsal}`);
}

/** Waits until this step runs, kills the worker, and waits until another worker has started. */
async function killDuring(stack: EmbeddedStack, step: string): Promise<void> {
  const Runs = z.object({ items: z.array(Run) }).loose();
  await until(
    `${step} is under way`,
    async () => {
      const { items } = await stack.get(Runs, '/v1/runs?limit=20');
      const underWay = items.some((run) => run.steps.some(({ name, state }) => name === step && state === 'running'));
      if (!underWay) return false;
      const pid = await stack.pidOf('worker');
      if (pid === undefined) return false;
      process.kill(pid, 'SIGKILL');
      await until('another worker has started', async () => {
        const now = await stack.pidOf('worker');
        return now !== undefined && now !== pid;
      });
      return true;
    },
    4 * minutes,
  );
}

/**
 * Returns the part of a rehearsal that must not depend on how often a worker died: everything but ids, times and
 * attempts.
 */
function told({ periods, summary, metric }: z.infer<typeof Rehearsal>) {
  return {
    metric,
    summary,
    periods: periods.map(({ build, ...period }) => {
      if (build === null) return { ...period, build };
      const { runId: _runId, ...rest } = build;
      return { ...period, build: rest };
    }),
  };
}

test(
  'killing a worker during ingestion, training, evaluation, deployment and monitoring changes no outcome',
  { timeout: 10 * minutes },
  async () => {
    const calm = await prepared();
    const expected = told(await rehearse(calm));
    await calm.end();
    expect(expected.periods.map(({ build }) => build?.decision)).toEqual(['refused', 'promoted', undefined]);

    const stack = await prepared();
    const rehearsing = rehearse(stack);
    const killing = (async () => {
      for (const step of ['prepareDataset', 'trainModel', 'evaluateVersion', 'reportWindow', 'replayToCanary'])
        await killDuring(stack, step);
    })();
    const [rehearsal] = await Promise.all([rehearsing, killing]);
    expect(told(rehearsal)).toEqual(expected);
  },
);
