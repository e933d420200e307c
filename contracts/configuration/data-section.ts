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
        glob: z.string().min(1).describe('A pattern of files, such as data/*.csv; the command line uploads them'),
      }),
      ...optionsOf(remoteSources),
    ])
    .describe('Where rows come from: CSV, NDJSON or Parquet files, or a query'),
  mode: z
    .enum(['append', 'upsert', 'snapshot'])
    .default('append')
    .describe(
      'append: a row whose key is already in the dataset is skipped if it is equal, and an error if it differs. upsert: such a row replaces the existing one. snapshot: the batch becomes the whole dataset',
    ),
  timestamp: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe(
      'The time of a row: a column, or one scalar DuckDB expression over the columns. Required for data.window and build.holdout.last',
    ),
  timezone: TimeZone.default('UTC').describe(
    'The time zone of timestamps without an offset and of all calendar periods, such as Europe/Berlin',
  ),
  key: ColumnName.optional().describe(
    'The column that identifies a row, so that a row that arrives again is recognised',
  ),
  target: ColumnName.describe('The column that the model predicts'),
  features: z
    .array(ColumnName)
    .min(1)
    .max(10_000)
    .describe('The columns that the model receives as inputs, in this order'),
  // No default: a default would change the digests of configurations stored before this key existed.
  columns: z
    .record(ColumnName, DeclaredType)
    .optional()
    .describe(
      'Types of columns, instead of the types inferred from the values: string, integer, number, boolean, date or timestamp. A column that already has another type is converted, if every value can be converted. category: monitoring treats the values as categories, even if they are whole numbers. ignore: the column is left out',
    ),
  // No default: a default would change the digests of configurations stored before this key existed.
  nulls: z
    .array(z.string().max(100))
    .max(100)
    .optional()
    .describe(
      'Texts that mean a missing value in CSV, NDJSON and text columns of Parquet, such as ["", "NA"]; the whole text must match. Default: none. A CSV field without any characters is always missing',
    ),
  fill: z
    .record(ColumnName, Fill)
    .optional()
    .describe(
      'The value that replaces a missing value of a feature, in training and in serving, such as { city: "unknown" }. Without it, a missing number is NaN, and missing text is refused',
    ),
  window: Duration.optional().describe(
    'The period of rows that a build reads, counted back from its asOf; all rows when absent',
  ),
  expectations: z
    .array(Expectation)
    .max(1000)
    .default([])
    .describe('Checks of the data, made before anything is committed'),
});
