import { join } from 'node:path';
import { boostedClassifier } from '../ground/boosted-classifier.ts';
import { startBenchGateway } from '../ground/bench-gateway.ts';
import { featureTensors, type InferenceRequest, matrixTensor, splitFrame } from '../ground/inference-requests.ts';
import { askOnce, startBareServer, startFloor, underLoad } from '../ground/load-contestants.ts';
import { prepareServedClassifier } from '../ground/served-classifier.ts';
import type { BenchContext } from '../running/bench-context.ts';
import { compareInRounds, type WantedRatio } from '../running/compare-in-rounds.ts';
import { commitOfCheckout, versionOfPackage } from '../running/describe-machine.ts';
import type { Comparison, Measure } from '../running/bench-measure.ts';

const root = join(import.meta.dirname, '..', '..');

export const singleRowServing: Measure = {
  name: 'serving',
  summary:
    'single rows through one gateway with keys, log, metrics and counts, beside the same Fastify without a model',
  takes: '5 min',
  inShortForm: true,
  async run(bench) {
    const classifier = await boostedClassifier(bench);
    const roots = [{ name: 'gateway', root }];
    if (bench.beside !== undefined) roots.push({ name: 'beside', root: bench.beside });
    const gateways = [];
    for (const { name, root: checkout } of roots) {
      const served = await prepareServedClassifier(bench, checkout, classifier);
      const profileFolder = bench.profileFolder === undefined ? undefined : join(bench.profileFolder, name);
      const { address } = await startBenchGateway(bench, served, profileFolder);
      gateways.push({ name, address, headers: { authorization: `Bearer ${served.key}` } });
    }
    const works: readonly Work[] = [
      { name: 'Open Inference, a tensor per feature', request: featureTensors(classifier, 1), must: 0.5, aim: 0.75 },
      { name: 'Open Inference, one matrix', request: matrixTensor(classifier, 1), must: 0.5, aim: 0.75 },
      { name: '/invocations', request: splitFrame(classifier, 1), must: 0.5, aim: 0.75 },
    ];
    const [gateway] = gateways;
    if (gateway === undefined) throw new Error('no gateway was started');
    const answers = [];
    for (const { request } of works) answers.push(JSON.parse(Buffer.from(await askOnce(gateway, request)).toString()));
    const floor = await startFloor(bench, answers);
    const comparisons: Comparison[] = [];
    for (const [number, work] of works.entries()) {
      const servers = [gateway, { name: 'floor', address: floor, path: `/answers/${number}` }, ...gateways.slice(1)];
      comparisons.push(await compareServers(bench, work, servers));
    }
    comparisons.push(await maximumOfLoad(bench, featureTensors(classifier, 1)));
    return {
      comparisons,
      figures: [],
      absent: [],
      versions: {
        fastify: await versionOfPackage('fastify'),
        'onnxruntime-node': await versionOfPackage('onnxruntime-node'),
        ...(bench.beside === undefined ? {} : { beside: await commitOfCheckout(bench.beside) }),
      },
      notes: [],
    };
  },
};

interface Work {
  readonly name: string;
  readonly request: InferenceRequest;
  readonly must: number;
  readonly aim: number;
}

async function compareServers(
  bench: BenchContext,
  { name, request, must, aim }: Work,
  servers: readonly Parameters<typeof underLoad>[1][],
): Promise<Comparison> {
  const contestants = [];
  for (const server of servers) contestants.push(await underLoad(bench, server, request));
  const ratios: WantedRatio[] = [
    { name: 'gateway / floor', of: 'gateway', over: 'floor', target: { must, aim } },
    {
      name: 'p99 of the gateway / p99 of the floor',
      of: 'gateway',
      over: 'floor',
      quantity: 'p99Ms',
      target: { must: 3, atMost: true },
    },
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
