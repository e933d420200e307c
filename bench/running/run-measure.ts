import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchContext } from './bench-context.ts';
import type { BenchMeasure, MeasureOutcome } from './bench-measure.ts';

export type BenchOptions = Omit<BenchContext, 'scratch' | 'onEnd'>;

/** Runs one measure in a scratch folder of its own. Everything that it started is stopped and removed at the end. */
export async function runMeasure(measure: BenchMeasure, options: BenchOptions): Promise<MeasureOutcome> {
  const scratch = await mkdtemp(join(tmpdir(), 'perennial-bench-'));
  const releases: (() => Promise<void>)[] = [];
  try {
    return await measure.run({ ...options, scratch, onEnd: (release) => void releases.push(release) });
  } finally {
    for (const release of releases.toReversed())
      await release().catch((caught: unknown) => options.say(`  not stopped: ${String(caught)}`));
    await rm(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
