import { z } from 'zod';
import { ColumnType } from './data-types.ts';
import { Duration } from '../time/duration.ts';
import { Name } from '../identifiers.ts';

const ColumnName = z.string().min(1).max(200);
const Scalar = z.union([z.string(), z.number(), z.boolean()]);
const Rows = z.number().int().min(0);

/** Checks of a column, either of each value or of the column as a whole. They require `column`. */
const columnChecks = {
  type: ColumnType.optional().describe(
    'The type of the column. It also permits changes of the schema: a new column is added with this type, and a column is widened from integer to number or from date to timestamp if its values need it',
  ),
  notNull: z.literal(true).optional().describe('No value is missing'),
  unique: z.literal(true).optional().describe('No value occurs twice in the batch and the existing rows together'),
  min: z.number().optional().describe('No value is below this number'),
  max: z.number().optional().describe('No value is above this number'),
  range: z
    .union([z.tuple([z.number(), z.number()]), z.tuple([z.string().min(1), z.string().min(1)])])
    .optional()
    .describe('Lowest and highest allowed value; dates and times are written as text'),
  values: z.array(Scalar).min(1).optional().describe('Every value is one of these'),
  pattern: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      'A regular expression (RE2) that must match somewhere in every text; ^ and $ anchor it to the start and the end',
    ),
  nullShare: z.number().min(0).lt(1).optional().describe('The largest share of the new rows that may lack a value'),
  references: z
    .strictObject({
      model: Name.describe(
        'A model of the same project; its dataset in the same environment is used, or the one in production if there is none',
      ),
      column: ColumnName.describe('The column of that dataset in which every value must occur'),
    })
    .optional()
    .describe("Every value occurs in a column of another model's dataset"),
};

/** Checks of the dataset as it would be after the batch. */
const datasetChecks = {
  rowCount: z
    .strictObject({
      min: Rows.optional().describe('Minimum number of rows'),
      max: Rows.optional().describe('Maximum number of rows'),
    })
    .optional()
    .describe('Number of rows of the dataset, including the batch'),
  freshness: Duration.optional().describe('Maximum age of the newest row at the time of ingestion'),
};

const columnCheckNames = [
  'type',
  'notNull',
  'unique',
  'min',
  'max',
  'range',
  'values',
  'pattern',
  'nullShare',
  'references',
] as const satisfies readonly (keyof typeof columnChecks)[];
const datasetCheckNames = ['rowCount', 'freshness'] as const satisfies readonly (keyof typeof datasetChecks)[];

export const ExpectationCheck = z.enum([...columnCheckNames, ...datasetCheckNames]);
export type ExpectationCheck = z.infer<typeof ExpectationCheck>;

export const Expectation = z
  .strictObject({
    column: ColumnName.optional().describe(
      'The column that is checked; rowCount and freshness check the whole dataset and have no column',
    ),
    severity: z
      .enum(['error', 'warn'])
      .default('error')
      .describe(
        'What happens if the check fails. error: nothing is committed, and the failing rows are quarantined; warn: the failure is reported',
      ),
    ...columnChecks,
    ...datasetChecks,
  })
  .superRefine((expectation, context) => {
    const given = (names: readonly ExpectationCheck[]): readonly ExpectationCheck[] =>
      // Compared with undefined, because a bound of 0 is a valid check.
      names.filter((name) => expectation[name] !== undefined);
    const [ofColumn] = given(columnCheckNames);
    const [ofDataset] = given(datasetCheckNames);
    const refuse = (message: string, path: string[] = []): void => context.addIssue({ code: 'custom', message, path });
    if (ofColumn === undefined && ofDataset === undefined)
      refuse(`has no check; set one of ${ExpectationCheck.options.join(', ')}`);
    if (ofColumn !== undefined && expectation.column === undefined)
      refuse('checks a column; name the column in `column`', [ofColumn]);
    if (ofDataset !== undefined && expectation.column !== undefined)
      refuse('checks the whole dataset and not a column; move it to an entry without `column`', [ofDataset]);
    const { rowCount } = expectation;
    if (rowCount !== undefined && rowCount.min === undefined && rowCount.max === undefined)
      refuse('has no bound; set max or min', ['rowCount']);
  });
export type Expectation = z.infer<typeof Expectation>;
