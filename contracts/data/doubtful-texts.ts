/**
 * Kinds of texts that prevent a column from becoming a number, date or boolean, or that may mean something else than
 * they say.
 */
export const doubtfulTexts = [
  'missing-word',
  'decimal-comma',
  'thousands-separator',
  'percent',
  'currency',
  'impossible-date',
  'date-format',
  'time-spelling',
  'number-spelling',
  'quotes',
  'truth-word',
  'blanks',
  'not-finite',
] as const;
