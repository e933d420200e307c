import { z } from 'zod';
import { Duration } from '../time/duration.ts';

export const RetentionSection = z.strictObject({
  predictions: Duration.default('400 days').describe('How long logged predictions are kept'),
  rejectedVersions: Duration.default('90 days').describe(
    'How long the bytes of versions that every evaluation rejected are kept; versions that a release pins are always kept',
  ),
});
