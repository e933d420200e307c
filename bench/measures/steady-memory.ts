import { startBenchGateway } from '../ground/bench-gateway.ts';
import { boostedClassifier } from '../ground/boosted-classifier.ts';
import { matrixTensor } from '../ground/inference-requests.ts';
import { loadOnce } from '../ground/load-contestants.ts';
import { prepareServedClassifier, thisCheckout } from '../ground/served-classifier.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { medianOf, threeDigits } from '../running/compare-in-rounds.ts';
import { residentMebibytes } from '../running/memory-watch.ts';

const slices = 20;

export const steadyMemory: BenchMeasure = {
  name: 'memory',
  summary: 'the resident memory of one gateway over 2,000,000 requests (100,000 in the short form)',
  takes: '5 min',
  inShortForm: false,
  async run(bench) {
    const wanted = bench.short ? 100_000 : 2_000_000;
    const classifier = await boostedClassifier(bench);
    const served = await prepareServedClassifier(bench, thisCheckout, classifier);
    const gateway = await startBenchGateway(bench, served);
    const server = { name: 'gateway', address: gateway.address, headers: { authorization: `Bearer ${served.key}` } };
    const resident: number[] = [];
    let requests = 0;
    while (requests < wanted) {
      const report = await loadOnce(bench, server, matrixTensor(classifier, 1));
      requests += report.requests;
      const now = residentMebibytes(gateway.child.pid ?? 0);
      // The first tenth compiles and fills the pools.
      if (requests > wanted / 10) resident.push(now);
      bench.say(`  ${requests.toLocaleString('en')} requests: ${threeDigits(now)} MiB`);
    }
    const few = Math.max(1, Math.floor(resident.length / (slices / 4)));
    const [early, late] = [medianOf(resident.slice(0, few)), medianOf(resident.slice(-few))];
    return {
      comparisons: [],
      figures: [
        { name: 'requests', value: requests, unit: 'requests' },
        { name: 'resident memory after a tenth of them', value: early, unit: 'MiB' },
        { name: 'resident memory at the end', value: late, unit: 'MiB' },
        { name: 'end over beginning', value: late / early, unit: 'times', target: { must: 1.1, atMost: true } },
      ],
      absent: [],
      versions: {},
      notes: [],
    };
  },
};
