import { z } from 'zod';
import { doubtfulTexts } from './doubtful-texts.ts';

/** The kinds of warnings and guesses about a batch. */
export const DataWarningKind = z.enum([
  // How a file was read.
  'delimiter',
  'header',
  'empty-text',
  // The type of a column, and whether the column is kept.
  'kept-as-text',
  'without-type',
  'converted',
  'left-out',
  'index-left-out',
  ...doubtfulTexts,
  'mixed-values',
  // Local times.
  'naive-time',
  'skipped-time',
  'repeated-time',
  // The last entry of a list that was shortened.
  'more',
]);
export type DataWarningKind = z.infer<typeof DataWarningKind>;

/**
 * Information about a batch for the user: a guess that ingestion made, or values that were probably meant differently.
 * It is not part of the dataset's identity.
 */
export const DataWarning = z.object({
  level: z.enum(['guess', 'warning']),
  kind: DataWarningKind,
  /** null: the warning concerns a file or several columns. */
  column: z.string().nullable(),
  /** Number of values, rows or columns concerned. */
  count: z.number().int(),
  /** One of the values, shortened to 100 characters. */
  example: z.string().nullable(),
  /** One sentence that names the column, the count, an example and the way out. */
  message: z.string(),
});
export type DataWarning = z.infer<typeof DataWarning>;

/** Returns a count such as `2 warnings and 1 guess`; empty text if there are none. */
export function countWarnings(warnings: readonly DataWarning[]): string {
  const guesses = warnings.filter(({ level }) => level === 'guess').length;
  const serious = warnings.length - guesses;
  return [
    ...(serious > 0 ? [`${serious} warning${serious === 1 ? '' : 's'}`] : []),
    ...(guesses > 0 ? [`${guesses} ${guesses === 1 ? 'guess' : 'guesses'}`] : []),
  ].join(' and ');
}
