import { z } from 'zod';
import { remoteSources } from '../data/remote-source.ts';
import { optionsOf } from '../registered-names.ts';
import { DeclaredType } from '../data/data-types.ts';
import { Duration } from '../time/duration.ts';
import { Expectation } from '../data/expectation.ts';
import { Fill } from '../models/signature.ts';
import { TimeZone } from '../time/time-zone.ts';
import { ColumnName } from './column-name.ts';

export const DataSection = z.strictObject({
  source: z
    .union([
      z.strictObject({
        path: z.string().min(1).describe('A file, relative to perennial.yaml; the command line uploads it'),
      }),
      z.strictObject({
        glob: z.string().min(1).describe('Files by a pattern such as data/*.csv; the command line uploads them'),
      }),
      ...optionsOf(remoteSources),
    ])
    .describe('Where rows come from: CSV, NDJSON or Parquet files, or a query'),
  mode: z
    .enum(['append', 'upsert', 'snapshot'])
    .default('append')
    .describe(
      'append: rows whose key is known are skipped when equal, and an error when different. upsert: they replace the known ones. snapshot: the batch is the whole dataset',
    ),
  timestamp: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe(
      'When a row happened: a column, or one scalar DuckDB expression over the columns. Needed for window and for holdout.last',
    ),
  timezone: TimeZone.default('UTC').describe(
    'Of timestamps without an offset, and of every calendar period; a name such as Europe/Berlin',
  ),
  key: ColumnName.optional().describe('The column that tells rows apart; by it a row that comes again is known'),
  target: ColumnName.describe('The column that the model predicts'),
  features: z.array(ColumnName).min(1).max(10_000).describe('The columns that the model is given, in this order'),
  // No default: a default would change the digests of configurations stored before this key existed.
  columns: z
    .record(ColumnName, DeclaredType)
    .optional()
    .describe(
      'Types of columns, in place of those that are inferred from the values: string, integer, number, boolean, date or timestamp. A column that has another type already is converted, if every value can be. category: its values are categories for monitoring, also if they are whole numbers. ignore: the column is left out',
    ),
  // No default: a default would change the digests of configurations stored before this key existed.
  nulls: z
    .array(z.string().max(100))
    .max(100)
    .optional()
    .describe(
      'Texts that mean a missing value in CSV, NDJSON and text columns of Parquet, such as ["", "NA"], compared as a whole. Default: none; a field of CSV without anything in it is missing in any case',
    ),
  fill: z
    .record(ColumnName, Fill)
    .optional()
    .describe(
      'What a missing value of a feature is for the model, in training and serving alike, such as { city: "unknown" }; without it a missing number is NaN, and missing text is refused',
    ),
  window: Duration.optional().describe('What a build reads, back from its asOf; all rows when absent'),
  expectations: z.array(Expectation).max(1000).default([]).describe('Checked before anything is committed'),
});
