import { binaryMatrix, matrixTensor } from '../ground/inference-requests.ts';
import { askOnce, type LoadedServer, startFloor, underLoad } from '../ground/load-contestants.ts';
import { gatewayMetric, startServingContestants } from '../ground/serving-contestants.ts';
import type { BenchContext } from '../running/bench-context.ts';
import type { BenchMeasure, Figure } from '../running/bench-measure.ts';
import { type Contestant, compareInRounds } from '../running/compare-in-rounds.ts';

const rows = 100;
const droppedRows = 'perennial_prediction_log_dropped_total';

export const hundredRowServing: BenchMeasure = {
  name: 'serving-100',
  summary: 'requests of 100 rows, as JSON and as binary tensors, beside the floor, MLServer and another checkout',
  takes: '5 min',
  inShortForm: true,
  async run(bench) {
    const { classifier, gateway, beside, peers, absent, versions } = await startServingContestants(bench);
    const [json, binary] = [matrixTensor(classifier, rows), binaryMatrix(classifier, rows)];
    await askOnce(gateway, binary);
    const answer = JSON.parse(Buffer.from(await askOnce(gateway, json)).toString());
    const floor = { name: 'floor', address: await startFloor(bench, [answer]), path: '/answers/0' };
    const contestants: Contestant[] = [];
    for (const server of [{ ...gateway, name: 'JSON' }, floor, ...beside, ...peers])
      contestants.push(await underLoad(bench, server, json));
    contestants.splice(1, 0, await underLoad(bench, { ...gateway, name: 'binary' }, binary));
    const comparison = await compareInRounds(bench, {
      name: 'requests of 100 rows',
      unit: 'rows/s',
      moreIsBetter: true,
      contestants,
      ratios: [
        { name: 'JSON / floor', of: 'JSON', over: 'floor' },
        { name: 'binary / floor', of: 'binary', over: 'floor' },
        { name: 'JSON / MLServer', of: 'JSON', over: 'MLServer' },
        { name: 'JSON / MLServer, ONNX', of: 'JSON', over: 'MLServer, ONNX' },
        { name: 'JSON / beside', of: 'JSON', over: 'beside', target: { must: 3, aim: 6 } },
        { name: 'binary / JSON beside', of: 'binary', over: 'beside', target: { must: 8, aim: 20 } },
      ],
    });
    const figures = bench.short
      ? []
      : await sustained(bench, gateway, await underLoad({ ...bench, seconds: 60 }, gateway, binary));
    return { comparisons: [comparison], figures, absent, versions, notes: [] };
  },
};

/** A minute without a pause: what the rounds reach must last, and no row may be missing in the log. */
async function sustained(bench: BenchContext, gateway: LoadedServer, minute: Contestant): Promise<Figure[]> {
  const before = await gatewayMetric(gateway, droppedRows);
  const { value } = await minute.once();
  const dropped = (await gatewayMetric(gateway, droppedRows)) - before;
  bench.say(`  binary for 60 s: ${Math.round(value)} rows/s, ${dropped} rows dropped from the log`);
  return [
    { name: 'binary tensors for 60 s', value, unit: 'rows/s' },
    {
      name: 'rows dropped from the log in these 60 s',
      value: dropped,
      unit: 'rows',
      target: { must: 0, atMost: true },
    },
  ];
}
