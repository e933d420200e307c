import { z } from 'zod';
import { doubtfulTexts } from './doubtful-texts.ts';

/** What a warning or a guess about the rows of a batch is about. */
export const DataWarningKind = z.enum([
  // How a file was read.
  'delimiter',
  'header',
  'empty-text',
  // Which type a column has, and whether it is kept.
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
  // The last entry of a list that has more than are kept.
  'more',
]);
export type DataWarningKind = z.infer<typeof DataWarningKind>;

/**
 * Something about a batch that a person should know: a guess that was made, or values that are probably not meant as
 * they were read. It is no part of a dataset's identity.
 */
export const DataWarning = z.object({
  level: z.enum(['guess', 'warning']),
  kind: DataWarningKind,
  /** null: it is about a file, or about several columns. */
  column: z.string().nullable(),
  /** Values, rows or columns that it is about. */
  count: z.number().int(),
  /** One of the values, shortened to 100 characters. */
  example: z.string().nullable(),
  /** One sentence that names column, count, example and the way out. */
  message: z.string(),
});
export type DataWarning = z.infer<typeof DataWarning>;

/** `2 warnings and 1 guess`; empty without any. */
export function countWarnings(warnings: readonly DataWarning[]): string {
  const guesses = warnings.filter(({ level }) => level === 'guess').length;
  const serious = warnings.length - guesses;
  return [
    ...(serious > 0 ? [`${serious} warning${serious === 1 ? '' : 's'}`] : []),
    ...(guesses > 0 ? [`${guesses} ${guesses === 1 ? 'guess' : 'guesses'}`] : []),
  ].join(' and ');
}
