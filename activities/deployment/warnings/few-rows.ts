import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';

/**
 * With this many rows, the standard error of a share is up to 5 percentage points, so differences of 10 can be chance.
 */
export const fewHeldOutRows = 100;

export function fewRows({ challenger }: Pick<EvaluationBody, 'challenger'>): ApprovalWarning[] {
  const { rows } = challenger;
  if (rows >= fewHeldOutRows) return [];
  const message = `only ${rows} rows were held out, and metrics over fewer than ${fewHeldOutRows} rows vary by chance; to hold out more rows, change build.holdout`;
  return [{ code: 'few-rows', message }];
}
