import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';

/**
 * With this many rows, the standard error of a share is up to 5 percentage points, so differences of 10 can be chance.
 */
export const fewHeldOutRows = 100;

export function fewRows({ challenger }: Pick<EvaluationBody, 'challenger'>): ApprovalWarning[] {
  const { rows } = challenger;
  if (rows >= fewHeldOutRows) return [];
  const message = `only ${rows} rows were held out, and numbers of fewer than ${fewHeldOutRows} move by chance; build.holdout holds out more`;
  return [{ code: 'few-rows', message }];
}
