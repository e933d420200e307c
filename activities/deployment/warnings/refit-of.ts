import type { ApprovalWarning } from '../../../contracts/serving/approval.ts';
import type { EvaluationBody } from '../../../contracts/models/evaluation.ts';

/** Warns that the deployed model is a refit, and that the numbers were measured on the original version. */
export function refitOf(version: number, { cites }: Pick<EvaluationBody, 'cites'>): ApprovalWarning[] {
  if (cites === undefined) return [];
  const message = `version ${version} is the refit of version ${cites.modelVersion}: the metrics are those of version ${cites.modelVersion}, because version ${version} was trained on all rows`;
  return [{ code: 'refit', message }];
}
