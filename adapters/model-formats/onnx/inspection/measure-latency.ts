import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { sliceOfBatch } from '../../../../contracts/data/column-batch.ts';
import { batchOfCells } from '../../../../contracts/models/batch-of-cells.ts';
import type { LatencyMeasurement } from '../../../../contracts/models/evaluation.ts';
import type { OnnxSignature } from '../../../../contracts/model-format.ts';
import type { LatencyOrder } from '../../../../ports/model-format.ts';
import { outputNames } from '../read-answers.ts';
import { refuseExternalData } from '../graph/external-data.ts';
import { openSession } from '../session.ts';
import { feedsOf } from '../tensors.ts';

const warmUpCalls = 50;
/** Time limit of the measurement. A slow model is measured with fewer calls, but with `fewestCalls` at least. */
const measuringMs = 20_000;
const fewestCalls = 100;

/**
 * Measures calls of one row, one after another, with the rows of the sample in turn. The measured time includes making
 * the tensors, as in the gateway.
 */
export async function measureLatency(order: LatencyOrder<OnnxSignature>): Promise<LatencyMeasurement> {
  const bytes = await readFile(order.path);
  refuseExternalData(bytes);
  const session = await openSession(bytes);
  const names = outputNames(order.signature);
  const sample = batchOfCells(order.signature.inputs, order.sample, order.rows);
  const rows = Array.from({ length: order.rows }, (_, row) => sliceOfBatch(sample, row, row + 1));
  const call = async (at: number): Promise<void> => {
    await session.run(feedsOf(order.signature, rows[at % rows.length] ?? sample), names);
  };
  for (let at = 0; at < warmUpCalls; at += 1) await call(at);
  const taken: number[] = [];
  const endAt = performance.now() + measuringMs;
  while (taken.length < order.calls && (taken.length < fewestCalls || performance.now() < endAt)) {
    const begin = performance.now();
    await call(taken.length);
    taken.push(performance.now() - begin);
  }
  taken.sort((a, b) => a - b);
  // Nearest-rank percentile: the smallest value that at least this share of the calls did not exceed.
  const percentile = (share: number): number => taken[Math.max(0, Math.ceil(share * taken.length) - 1)] ?? 0;
  return {
    calls: taken.length,
    p50Ms: percentile(0.5),
    p95Ms: percentile(0.95),
    p99Ms: percentile(0.99),
    machine: machineName(),
  };
}

/** Returns the machine's processors and platform, e.g. `2 × AMD EPYC 7763, linux-x64`. */
function machineName(): string {
  const processors = cpus();
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'processor'}, ${process.platform}-${process.arch}`;
}
