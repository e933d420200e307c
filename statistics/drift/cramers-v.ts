/**
 * Cramér's V of a 2×k table: √(χ² / n), the size of a difference that a chi-squared test found, apart from how many rows it
 * had. 0 is none, 1 is nothing in common; by custom 0.1 is small and 0.3 medium.
 *
 * Source: Cramér, "Mathematical Methods of Statistics" (1946), chapter 21.
 */
export function cramersV(chiSquaredStatistic: number, rows: number): number {
  return Math.sqrt(chiSquaredStatistic / rows);
}
