import { threeDigits } from './compare-in-rounds.ts';
import type { Ratio } from './bench-measure.ts';
import type { RecordedResult } from './recorded-results.ts';

/** A ratio may fall to this share of its recorded value before a check fails. */
export const allowedShare = 0.7;

/** A ratio that has fallen, with a sentence about it. */
export interface FallenRatio {
  readonly comparison: string;
  readonly ratio: string;
  readonly sentence: string;
}

/**
 * Returns the ratios that are worse than `allowedShare` of the recorded ones. A ratio that only one of the two results
 * has is not compared: the short form leaves peers out. Nor are ratios of which less is better, such as those of 99th
 * percentiles: on a busy machine they measure what else runs.
 */
export function fallenRatios(now: RecordedResult, recorded: RecordedResult): readonly FallenRatio[] {
  return recorded.outcome.comparisons.flatMap(({ name, ratios }) => {
    const measured = now.outcome.comparisons.find((comparison) => comparison.name === name)?.ratios ?? [];
    return ratios.flatMap((before) => {
      const after = measured.find((ratio) => ratio.name === before.name);
      if (after === undefined || !hasFallen(after, before)) return [];
      const sentence = `${name}: ${before.name} is ${threeDigits(after.median)}, below ${allowedShare} of the recorded ${threeDigits(before.median)}`;
      return [{ comparison: name, ratio: before.name, sentence }];
    });
  });
}

function hasFallen(after: Ratio, before: Ratio): boolean {
  return before.target?.atMost !== true && after.median < allowedShare * before.median;
}
