import type { ApprovalWarning } from '../../../contracts/approval.ts';
import type { EvaluationBody } from '../../../contracts/evaluation.ts';

/** The standard error of a share that is measured on this many rows is up to five points, so that ten are within chance. */
export const fewHeldOutRows = 100;

export function fewRows({ challenger }: Pick<EvaluationBody, 'challenger'>): ApprovalWarning[] {
  const { rows } = challenger;
  if (rows >= fewHeldOutRows) return [];
  const message = `only ${rows} rows were held out, and numbers of fewer than ${fewHeldOutRows} move by chance; build.holdout holds out more`;
  return [{ code: 'few-rows', message }];
}
