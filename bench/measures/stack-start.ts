import { join } from 'node:path';
import { startBenchStack } from '../ground/bench-stack.ts';
import type { BenchMeasure, Comparison, Figure } from '../running/bench-measure.ts';
import { compareInRounds, medianOf } from '../running/compare-in-rounds.ts';

const root = join(import.meta.dirname, '..', '..');

export const stackStart: BenchMeasure = {
  name: 'up',
  summary: 'perennial up with an empty state folder and with one that exists, until every part answers',
  takes: '3 min',
  inShortForm: false,
  async run(bench) {
    let home = '';
    let number = 0;
    const start = async () => {
      const stack = await startBenchStack(bench, { root, home });
      await stack.stop();
      return { value: stack.startMs / 1000 };
    };
    const comparison = await compareInRounds(bench, {
      name: 'perennial up',
      unit: 's',
      moreIsBetter: false,
      contestants: [
        {
          name: 'empty folder',
          once() {
            number += 1;
            home = join(bench.scratch, `home-${number}`);
            return start();
          },
        },
        { name: 'warm', once: start },
      ],
      ratios: [],
    });
    const figures = [figureOf(comparison, 'warm', 5), figureOf(comparison, 'empty folder', 10)];
    return { comparisons: [comparison], figures, absent: [], versions: {}, notes: [] };
  },
};

function figureOf({ samples }: Comparison, name: string, seconds: number): Figure {
  const value = medianOf((samples[name] ?? []).map((sample) => sample.value));
  return { name: `perennial up, ${name}, median`, value, unit: 's', target: { must: seconds, atMost: true } };
}
