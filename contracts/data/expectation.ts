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
    'The column has this type. It also decides a schema that changes: a column that is new comes in with it, one of whole numbers becomes number, and one of days timestamp',
  ),
  notNull: z.literal(true).optional().describe('No value is missing'),
  unique: z.literal(true).optional().describe('No value occurs twice, in the batch and in the rows before it'),
  min: z.number().optional().describe('No value is below'),
  max: z.number().optional().describe('No value is above'),
  range: z
    .union([z.tuple([z.number(), z.number()]), z.tuple([z.string().min(1), z.string().min(1)])])
    .optional()
    .describe('Lowest and highest value, both allowed; days and times as text'),
  values: z.array(Scalar).min(1).optional().describe('Every value is one of these'),
  pattern: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .describe('A regular expression (RE2) that every text matches somewhere; ^ and $ bind it to the ends'),
  nullShare: z.number().min(0).lt(1).optional().describe('The largest share of the new rows that may lack a value'),
  references: z
    .strictObject({
      model: Name.describe('Of the same project; its dataset in the same environment, or else in production'),
      column: ColumnName.describe('The column of its dataset that has every value'),
    })
    .optional()
    .describe("Every value is one that another model's dataset has"),
};

/** Checks of the dataset as it would be after the batch. */
const datasetChecks = {
  rowCount: z
    .strictObject({
      min: Rows.optional().describe('No fewer rows'),
      max: Rows.optional().describe('No more rows'),
    })
    .optional()
    .describe('How many rows the dataset has with the batch'),
  freshness: Duration.optional().describe('How old the newest row may be, back from the time of the ingestion'),
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
    column: ColumnName.optional().describe('The column that is checked; rowCount and freshness have none'),
    severity: z
      .enum(['error', 'warn'])
      .default('error')
      .describe('What a row that breaks it means: error commits nothing and quarantines the rows, warn is reported'),
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
      refuse(`names no check: give one of ${ExpectationCheck.options.join(', ')}`);
    if (ofColumn !== undefined && expectation.column === undefined)
      refuse('is about a column: name it by column', [ofColumn]);
    if (ofDataset !== undefined && expectation.column !== undefined)
      refuse('is about the whole dataset and no column: give it an entry of its own', [ofDataset]);
    const { rowCount } = expectation;
    if (rowCount !== undefined && rowCount.min === undefined && rowCount.max === undefined)
      refuse('decides nothing: give max or min', ['rowCount']);
  });
export type Expectation = z.infer<typeof Expectation>;
