import type { DataWarning } from '../../contracts/data/data-warning.ts';

/** Returns one line per warning: `warning: …` or `guess: …`. */
export function describeDataWarnings(warnings: readonly DataWarning[]): string[] {
  return warnings.map(({ level, message }) => `${level}: ${message}`);
}
