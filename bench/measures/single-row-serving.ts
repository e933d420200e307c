import { featureTensors, type InferenceRequest, matrixTensor, splitFrame } from '../ground/inference-requests.ts';
import { askOnce, type LoadedServer, startBareServer, startFloor, underLoad } from '../ground/load-contestants.ts';
import { startServingContestants } from '../ground/serving-contestants.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure, Comparison } from '../running/bench-measure.ts';
import { compareInRounds, type WantedRatio } from '../running/compare-in-rounds.ts';

export const singleRowServing: BenchMeasure = {
  name: 'serving',
  summary:
    'single rows through one gateway with keys, log, metrics and counts, beside the same Fastify without a model',
  takes: '6 min',
  inShortForm: true,
  async run(bench) {
    const { classifier, gateway, beside, peers, absent, versions } = await startServingContestants(bench);
    const works: readonly SingleRowWork[] = [
      { name: 'Open Inference, a tensor per feature', request: featureTensors(classifier, 1), peers: [] },
      { name: 'Open Inference, one matrix', request: matrixTensor(classifier, 1), peers },
      { name: '/invocations', request: splitFrame(classifier, 1), peers: [] },
    ];
    const answers = [];
    for (const { request } of works) answers.push(JSON.parse(Buffer.from(await askOnce(gateway, request)).toString()));
    const floor = await startFloor(bench, answers);
    const comparisons: Comparison[] = [];
    for (const [number, work] of works.entries()) {
      const servers = [
        gateway,
        { name: 'floor', address: floor, path: `/answers/${number}` },
        ...beside,
        ...work.peers,
      ];
      comparisons.push(await compareServers(bench, work, servers));
    }
    comparisons.push(await maximumOfLoad(bench, featureTensors(classifier, 1)));
    return { comparisons, figures: [], absent, versions, notes: [] };
  },
};

interface SingleRowWork {
  readonly name: string;
  readonly request: InferenceRequest;
  readonly peers: readonly LoadedServer[];
}

async function compareServers(
  bench: BenchContext,
  { name, request }: SingleRowWork,
  servers: readonly LoadedServer[],
): Promise<Comparison> {
  const contestants = [];
  for (const server of servers) contestants.push(await underLoad(bench, server, request));
  const ratios: WantedRatio[] = [
    { name: 'gateway / floor', of: 'gateway', over: 'floor', target: { must: 0.5, aim: 0.75 } },
    {
      name: 'p99 of the gateway / p99 of the floor',
      of: 'gateway',
      over: 'floor',
      quantity: 'p99Ms',
      target: { must: 3, atMost: true },
    },
    { name: 'gateway / MLServer', of: 'gateway', over: 'MLServer', target: { must: 15, aim: 25 } },
    { name: 'gateway / MLServer, ONNX', of: 'gateway', over: 'MLServer, ONNX' },
    { name: 'gateway / beside', of: 'gateway', over: 'beside' },
  ];
  return compareInRounds(bench, { name, unit: 'rows/s', moreIsBetter: true, contestants, ratios });
}

/** What the load generator reaches where nothing is computed. */
async function maximumOfLoad(bench: BenchContext, request: InferenceRequest): Promise<Comparison> {
  const server = { name: `${bench.load.name} alone`, address: await startBareServer(bench, request) };
  const contestants = [await underLoad(bench, server, request)];
  const name = 'the load generator against a server that computes nothing';
  return compareInRounds(bench, { name, unit: 'requests/s', moreIsBetter: true, contestants, ratios: [] });
}
