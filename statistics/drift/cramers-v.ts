/**
 * Returns Cramér's V of a 2×k table, √(χ² / n): the effect size of a chi-squared test, which does not depend on the
 * number of rows. 0 means equal shares, 1 means no category in common. By convention, 0.1 is small and 0.3 is medium.
 *
 * Source: Cramér, "Mathematical Methods of Statistics" (1946), chapter 21.
 */
export function cramersV(chiSquaredStatistic: number, rows: number): number {
  return Math.sqrt(chiSquaredStatistic / rows);
}
