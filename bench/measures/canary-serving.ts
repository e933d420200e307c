import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { startBenchGateway } from '../ground/bench-gateway.ts';
import { startBenchPostgres } from '../ground/bench-postgres.ts';
import { type BenchStack, startBenchStack } from '../ground/bench-stack.ts';
import { type BoostedClassifier, boostedClassifier } from '../ground/boosted-classifier.ts';
import { matrixTensor } from '../ground/inference-requests.ts';
import { type LoadedServer, underLoad } from '../ground/load-contestants.ts';
import { configurationOfClassifier, deployClassifier, servedModel, thisCheckout } from '../ground/served-classifier.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { compareInRounds } from '../running/compare-in-rounds.ts';

type Strategy = 'champion alone' | 'canary' | 'shadow';
const stepsOf = {
  canary: { canary: [50, 100], bake: '30 days' },
  shadow: { shadow: { bake: '30 days' }, canary: [100], bake: '30 days' },
} as const;

export const canaryServing: BenchMeasure = {
  name: 'canary',
  summary: 'single rows while a canary answers half of the requests, and while a shadow gets a copy of each',
  takes: '3 min',
  inShortForm: false,
  async run(bench) {
    const classifier = await boostedClassifier(bench);
    const contestants = [];
    for (const strategy of ['champion alone', 'canary', 'shadow'] as const) {
      const server = await startWith(bench, classifier, strategy);
      contestants.push(await underLoad(bench, server, matrixTensor(classifier, 1)));
    }
    const target = { must: 0.85 };
    // The CPU time of a request is the same measure turned over, and steadier.
    const cpu = { over: 'champion alone', quantity: 'cpuUs', target: { must: 1.18, atMost: true } } as const;
    const comparison = await compareInRounds(bench, {
      name: 'single rows during a rollout',
      unit: 'rows/s',
      moreIsBetter: true,
      contestants,
      ratios: [
        { name: 'canary / champion alone', of: 'canary', over: 'champion alone', target },
        { name: 'shadow / champion alone', of: 'shadow', over: 'champion alone', target },
        { name: 'CPU time per request, canary / champion alone', of: 'canary', ...cpu },
        { name: 'CPU time per request, shadow / champion alone', of: 'shadow', ...cpu },
      ],
    });
    return { comparisons: [comparison], figures: [], absent: [], versions: {}, notes: [] };
  },
};

/** Prepares a rollout that stays in its first step, and leaves one gateway and Postgres running. */
async function startWith(
  bench: BenchContext,
  classifier: BoostedClassifier,
  strategy: Strategy,
): Promise<LoadedServer> {
  bench.say(`  preparing: ${strategy}`);
  const home = join(bench.scratch, strategy.replaceAll(' ', '-'));
  const databaseUrl = await startBenchPostgres(bench, `${home}-postgres`);
  const stack = await startBenchStack(bench, { root: thisCheckout, home, env: { DATABASE_URL: databaseUrl } });
  const file = await deployClassifier(stack, classifier);
  if (strategy !== 'champion alone') await beginRollout(bench, stack, file, classifier, strategy);
  await stack.stop();
  const key = stack.keys.operator;
  const gateway = await startBenchGateway(bench, { root: thisCheckout, home, databaseUrl, key, classifier });
  const { address, child } = gateway;
  return { name: strategy, address, headers: { authorization: `Bearer ${key}` }, pid: child.pid };
}

async function beginRollout(
  bench: BenchContext,
  stack: BenchStack,
  file: string,
  { features }: BoostedClassifier,
  strategy: Exclude<Strategy, 'champion alone'>,
): Promise<void> {
  await writeFile(file, stringify({ ...configurationOfClassifier(features), deploy: { strategy: stepsOf[strategy] } }));
  await writeFile(join(dirname(file), 'train', 'train.sh'), ': 2\ncp model.onnx "$PERENNIAL_OUTPUT/model.onnx"\n');
  await stack.perennial(['apply', '-f', file, '--json']);
  await stack.perennial(['build', '-m', servedModel, '--json']);
  // The rollout never ends by itself: the deployment is left in its first step.
  stack.deploy(servedModel, 2).catch(() => {});
  const Deployments = z.object({
    generation: z.object({ slots: z.array(z.object({ role: z.string() }).loose()) }).loose(),
  });
  for (;;) {
    bench.signal.throwIfAborted();
    const { generation } = Deployments.loose().parse(await stack.ask('GET', `/v1/models/${servedModel}/deployments`));
    if (generation.slots.some(({ role }) => role === strategy)) return;
    await pause(200);
  }
}
