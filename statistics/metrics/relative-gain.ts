/** Whether a metric is better when it is small, as errors and losses are, or when it is large, as scores are. */
export type BetterWhen = 'small' | 'large';

/**
 * By what share the challenger is better: (champion − challenger) / |champion| for metrics that are better when small, the other
 * way round for scores; negative for a loss. Not finite where the champion's metric is 0 and the challenger's is not.
 */
export function relativeGain(better: BetterWhen, challenger: number, champion: number): number {
  if (challenger === champion) return 0;
  const gain = better === 'large' ? challenger - champion : champion - challenger;
  return gain / Math.abs(champion);
}
