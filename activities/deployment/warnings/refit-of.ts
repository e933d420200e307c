import type { ApprovalWarning } from '../../../contracts/approval.ts';
import type { EvaluationBody } from '../../../contracts/evaluation.ts';

/** What is deployed are other bytes than those that were measured. */
export function refitOf(version: number, { cites }: Pick<EvaluationBody, 'cites'>): ApprovalWarning[] {
  if (cites === undefined) return [];
  const message = `version ${version} is the refit of version ${cites.modelVersion}: the numbers are those of version ${cites.modelVersion}, for no row is left that version ${version} was not trained on`;
  return [{ code: 'refit', message }];
}
