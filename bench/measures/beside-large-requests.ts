import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBenchGateway } from '../ground/bench-gateway.ts';
import { boostedClassifier } from '../ground/boosted-classifier.ts';
import { type InferenceRequest, matrixTensor } from '../ground/inference-requests.ts';
import { flushLog } from '../ground/flush-log.ts';
import { prepareServedClassifier, servedModel, thisCheckout } from '../ground/served-classifier.ts';
import type { LoadReport } from '../load/load-generator.ts';
import type { BenchMeasure } from '../running/bench-measure.ts';
import { compareInRounds } from '../running/compare-in-rounds.ts';

const largeRows = 10_000;
const single = { alone: 'alone', beside: 'beside large requests' } as const;

export const besideLargeRequests: BenchMeasure = {
  name: 'beside-large',
  summary: 'single rows over 4 connections, alone and while one client sends requests of 10,000 rows',
  takes: '2 min',
  inShortForm: false,
  async run(bench) {
    const classifier = await boostedClassifier(bench);
    const served = await prepareServedClassifier(bench, thisCheckout, classifier);
    const { address } = await startBenchGateway(bench, served);
    const rows = Array.from({ length: largeRows }, (_, at) => classifier.rows[at % classifier.rows.length] ?? []);
    const send = async (request: InferenceRequest, connections: number): Promise<LoadReport> => {
      const bodyFile = join(bench.scratch, `body-of-${request.rows}`);
      await writeFile(bodyFile, request.body);
      const headers = { 'content-type': request.contentType, authorization: `Bearer ${served.key}` };
      const url = `${address}${request.path}`;
      const report = await bench.load.send(
        { url, headers, bodyFile, connections, seconds: bench.seconds },
        bench.signal,
      );
      if (report.failed > 0) throw new Error(`the gateway failed ${report.failed} requests of ${request.rows} rows`);
      return report;
    };
    const small = matrixTensor(classifier, 1);
    const large = matrixTensor({ ...classifier, rows }, largeRows);
    // What the rounds before have logged is not uploaded beside the rows that are measured alone.
    const alone = async (): Promise<LoadReport> => {
      await flushLog(address, served.key, servedModel);
      return send(small, 4);
    };
    const sampleOf = ({ requestsPerSecond: value, p50Ms, p99Ms }: LoadReport) => ({ value, p50Ms, p99Ms });
    let largeRowsPerSecond = 0;
    const comparison = await compareInRounds(bench, {
      name: 'single rows',
      unit: 'rows/s',
      moreIsBetter: true,
      contestants: [
        { name: single.alone, once: async () => sampleOf(await alone()) },
        {
          name: single.beside,
          once: async () => {
            const [reported, others] = await Promise.all([send(small, 4), send(large, 1)]);
            largeRowsPerSecond = others.requestsPerSecond * largeRows;
            return sampleOf(reported);
          },
        },
      ],
      ratios: [
        {
          name: 'p99 beside large requests / p99 alone',
          of: single.beside,
          over: single.alone,
          quantity: 'p99Ms',
          target: { must: 3, atMost: true },
        },
      ],
    });
    const figures = [{ name: 'rows of the large requests, last round', value: largeRowsPerSecond, unit: 'rows/s' }];
    return { comparisons: [comparison], figures, absent: [], versions: {}, notes: [] };
  },
};
