import { join } from 'node:path';
import { startMlServer } from '../peers/ml-server.ts';
import { Absent, type BenchContext } from '../running/bench-context.ts';
import { commitOfCheckout, versionOfPackage } from '../running/describe-machine.ts';
import type { MeasureOutcome } from '../running/bench-measure.ts';
import { type BenchGateway, startBenchGateway } from './bench-gateway.ts';
import { type BoostedClassifier, boostedClassifier } from './boosted-classifier.ts';
import type { LoadedServer } from './load-contestants.ts';
import { prepareServedClassifier } from './served-classifier.ts';

const root = join(import.meta.dirname, '..', '..');

/** Servers that all serve the same classifier. */
export interface ServingContestants {
  readonly classifier: BoostedClassifier;
  readonly gateway: LoadedServer & { readonly process: BenchGateway };
  /** The gateway of the checkout that `--beside` names. */
  readonly beside: readonly LoadedServer[];
  readonly peers: readonly LoadedServer[];
  readonly absent: MeasureOutcome['absent'];
  readonly versions: Readonly<Record<string, string>>;
}

export async function startServingContestants(bench: BenchContext): Promise<ServingContestants> {
  const classifier = await boostedClassifier(bench);
  const start = async (name: string, checkout: string) => {
    const served = await prepareServedClassifier(bench, checkout, classifier);
    const profileFolder = bench.profileFolder === undefined ? undefined : join(bench.profileFolder, name);
    const gateway = await startBenchGateway(bench, served, profileFolder);
    const headers = { authorization: `Bearer ${served.key}` };
    return { name, address: gateway.address, headers, process: gateway };
  };
  const gateway = await start('gateway', root);
  const beside = bench.beside === undefined ? [] : [await start('beside', bench.beside)];
  const { peers, absent } = await startPeers(bench, classifier);
  return {
    classifier,
    gateway,
    beside,
    peers,
    absent,
    versions: {
      fastify: await versionOfPackage('fastify'),
      'onnxruntime-node': await versionOfPackage('onnxruntime-node'),
      ...(peers.length === 0 ? {} : { MLServer: '1.7.1' }),
      ...(bench.beside === undefined ? {} : { beside: await commitOfCheckout(bench.beside) }),
    },
  };
}

async function startPeers(
  bench: BenchContext,
  classifier: BoostedClassifier,
): Promise<Pick<ServingContestants, 'peers' | 'absent'>> {
  if (bench.short) return { peers: [], absent: [] };
  try {
    const peers = [
      { name: 'MLServer', address: await startMlServer(bench, classifier, 'scikit-learn') },
      { name: 'MLServer, ONNX', address: await startMlServer(bench, classifier, 'onnx') },
    ];
    return { peers, absent: [] };
  } catch (caught) {
    if (!(caught instanceof Absent)) throw caught;
    bench.say(`  MLServer is absent: ${caught.message}`);
    return { peers: [], absent: [{ name: 'MLServer', reason: caught.message.slice(0, 500) }] };
  }
}

/** Returns the value of a metric of the gateway, summed over its labels; 0 if it has none. */
export async function gatewayMetric({ address, headers }: LoadedServer, name: string): Promise<number> {
  const text = await (await fetch(`${address}/metrics`, { headers: { ...headers } })).text();
  const values = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  return values.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
