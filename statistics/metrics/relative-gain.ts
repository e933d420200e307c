/** Whether a metric is better when it is small, as errors and losses are, or when it is large, as scores are. */
export type BetterWhen = 'small' | 'large';

/**
 * Returns the relative gain of the challenger: (champion − challenger) / |champion| for a metric that is better when
 * small, and (challenger − champion) / |champion| for one that is better when large. It is negative if the challenger
 * is worse, and not finite if the champion's metric is 0 and the challenger's is not.
 */
export function relativeGain(better: BetterWhen, challenger: number, champion: number): number {
  if (challenger === champion) return 0;
  const gain = better === 'large' ? challenger - champion : champion - challenger;
  return gain / Math.abs(champion);
}
