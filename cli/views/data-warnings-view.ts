import type { DataWarning } from '../../contracts/data/data-warning.ts';

/** One line each: `warning: …` or `guess: …`. */
export function describeDataWarnings(warnings: readonly DataWarning[]): string[] {
  return warnings.map(({ level, message }) => `${level}: ${message}`);
}

/** `2 warnings and 1 guess`; empty without any. */
export function countWarnings(warnings: readonly DataWarning[]): string {
  const guesses = warnings.filter(({ level }) => level === 'guess').length;
  const serious = warnings.length - guesses;
  return [
    ...(serious > 0 ? [`${serious} warning${serious === 1 ? '' : 's'}`] : []),
    ...(guesses > 0 ? [`${guesses} ${guesses === 1 ? 'guess' : 'guesses'}`] : []),
  ].join(' and ');
}
