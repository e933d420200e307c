import { z } from 'zod';
import { notifierKindNames } from '../access/notifier-kinds.ts';
import { Duration } from '../time/duration.ts';
import { Name } from '../identifiers.ts';
import { MetricName } from '../models/metrics.ts';
import { driftTestNames, driftTests, driftTestsFor, hasPValue } from '../monitoring/drift-tests.ts';
import { inWords } from '../registered-names.ts';
import { ColumnName } from './column-name.ts';

const NumericTest = z.enum(driftTestsFor('numeric'));
const CategoricalTest = z.enum(driftTestsFor('categorical'));
const withPValues = driftTestNames.filter(hasPValue);
const pValueTests = inWords(withPValues, 'and');
const effects = withPValues.map((name) => driftTests[name].effect).join('; ');
const Share = z.number().gt(0).max(1);

/**
 * Keys added later have no defaults in the schema: a default would change the digests of configurations stored before.
 */
const DataQuality = z.strictObject({
  missing: Share.optional().describe(
    'A share of missing values that is greater than the reference’s by this or more. Default: 0.1, if it is also above what chance reaches in one window of 200',
  ),
  range: Share.optional().describe('This share or more of the values outside the least and greatest of the reference'),
  categories: Share.optional().describe('This share or more of the values in categories that the reference has not'),
  failed: Share.optional().describe(
    'This share or more of the rows without a prediction, as the model had no finite one',
  ),
});

export const MonitorSection = z.strictObject({
  every: Duration.default('1h').describe('How often a report is made'),
  window: Duration.default('1 day').describe('What was served of which a report is made, back from its asOf'),
  reference: z
    .enum(['training', 'previous', 'year-ago'])
    .default('training')
    .describe(
      'What drift is measured against: what the champion was trained on, what was served in the window before, or in the same window a year ago. Where too little was served then it is the training, and the report says so',
    ),
  minRows: z.number().int().min(1).default(200).describe('A window with fewer says nothing about drift or performance'),
  drift: z
    .strictObject({
      numeric: NumericTest.default('psi').describe('The test of numeric columns'),
      categorical: CategoricalTest.default('psi').describe('The test of categorical columns'),
      threshold: z
        .number()
        .gt(0)
        .default(0.2)
        .describe(
          `For ${pValueTests}: a p-value below is drift. For every other test: at or above is drift, if it is also above what chance reaches in one window of 200`,
        ),
      exclude: z
        .array(ColumnName)
        .default([])
        .describe('Columns that move by themselves, such as the calendar; reported, decide nothing'),
      minFeatures: z.number().int().min(1).default(1).describe('How many features must have drifted for it to count'),
      fdr: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe(
          `For ${pValueTests}, in place of the threshold: the share of false discoveries to bear among the features, by Benjamini and Hochberg`,
        ),
      minEffect: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          `For ${pValueTests}: a lesser effect (${effects}) is no drift, however certain. Default: 0.1 with fdr, else 0`,
        ),
      minImportance: Share.optional().describe(
        'Feature drift counts only where the drifted features hold this share or more of the champion’s permutation importance; not where that is unknown',
      ),
    })
    .prefault({})
    .describe('Features, prediction and target against the reference'),
  performance: z
    .strictObject({
      metric: MetricName.describe('Over the predictions whose labels have arrived'),
      max: z.number().optional().describe('A finding above'),
      min: z.number().optional().describe('A finding below'),
      estimated: z
        .boolean()
        .optional()
        .describe(
          'Where fewer labels than monitor.minRows have arrived, the estimate is held against the same bounds, as a finding of its own. Default: false',
        ),
    })
    .optional()
    .describe('How good the answers have been'),
  quality: DataQuality.optional().describe(
    'Findings in what was served that lead to no build; without a key its values are reported only, except missing',
  ),
  estimate: z
    .boolean()
    .optional()
    .describe('Whether performance is estimated for rows whose labels have not arrived. Default: true'),
  notify: z
    .array(Name)
    .max(20)
    .default([])
    .describe(
      `Named connections of kind ${inWords(notifierKindNames, 'or')} that are told of findings that open and close; rehearsals tell nobody`,
    ),
});
