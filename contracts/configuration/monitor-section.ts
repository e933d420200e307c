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
    'A finding opens if the share of missing values exceeds that of the reference by this value or more. When absent, the value is 0.1, and the increase must also be above the critical value, which chance alone exceeds in one of 200 windows',
  ),
  range: Share.optional().describe(
    'A finding opens if this share or more of the values lies below the minimum or above the maximum of the reference',
  ),
  categories: Share.optional().describe(
    'A finding opens if this share or more of the values belongs to categories that the reference does not have',
  ),
  failed: Share.optional().describe(
    'A finding opens if this share or more of the rows has no prediction, because the answer of the model was not finite',
  ),
});

export const MonitorSection = z.strictObject({
  every: Duration.default('1h').describe('How often a report is made'),
  window: Duration.default('1 day').describe(
    'The period of served predictions that a report covers, counted back from its asOf',
  ),
  reference: z
    .enum(['training', 'previous', 'year-ago'])
    .default('training')
    .describe(
      'What drift is measured against: the rows that the champion was trained on, the rows served in the previous window, or those served in the same window a year ago. If too few were served then, the training rows are used, and the report says so',
    ),
  minRows: z
    .number()
    .int()
    .min(1)
    .default(200)
    .describe('A window with fewer rows yields no verdict on drift or performance'),
  drift: z
    .strictObject({
      numeric: NumericTest.default('psi').describe('The test of numeric columns'),
      categorical: CategoricalTest.default('psi').describe('The test of categorical columns'),
      threshold: z
        .number()
        .gt(0)
        .default(0.2)
        .describe(
          `For ${pValueTests}: a p-value below this value is drift. For every other test: a statistic at or above this value is drift, if it is also above the critical value, which chance alone exceeds in one of 200 windows`,
        ),
      exclude: z
        .array(ColumnName)
        .default([])
        .describe(
          'Columns that change by their nature, such as the month; their drift is reported and decides nothing',
        ),
      minFeatures: z
        .number()
        .int()
        .min(1)
        .default(1)
        .describe('How many features must have drifted for feature drift to count'),
      fdr: z
        .number()
        .gt(0)
        .lt(1)
        .optional()
        .describe(
          `For ${pValueTests}, instead of the threshold: the accepted false discovery rate over all features (Benjamini and Hochberg)`,
        ),
      minEffect: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          `For ${pValueTests}: a smaller effect (${effects}) is not drift, whatever the p-value. Default: 0.1 with fdr, otherwise 0`,
        ),
      minImportance: Share.optional().describe(
        'Feature drift counts only if the drifted features hold this share or more of the champion’s permutation importance; if the importance is unknown, this key has no effect',
      ),
    })
    .prefault({})
    .describe('Drift of features, prediction and target against the reference'),
  performance: z
    .strictObject({
      metric: MetricName.describe('The metric, over the predictions whose labels have arrived'),
      max: z.number().optional().describe('A finding opens above this value'),
      min: z.number().optional().describe('A finding opens below this value'),
      estimated: z
        .boolean()
        .optional()
        .describe(
          'Whether the bounds also apply to the estimated metric if fewer labels than monitor.minRows have arrived; an estimate out of bounds opens a separate finding. Default: false',
        ),
    })
    .optional()
    .describe('Bounds of the performance of served predictions'),
  quality: DataQuality.optional().describe(
    'Thresholds of findings about the quality of served values; these findings start no build. A measure without a threshold is only reported; missing has a default threshold',
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
      `Names of connections of kind ${inWords(notifierKindNames, 'or')} that are notified when findings open and close; rehearsals notify nobody`,
    ),
});
