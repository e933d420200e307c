import { PerennialError } from '../../contracts/errors.ts';

/**
 * Why a request failed, in Triton's terms: REJECTED is the caller's fault, BACKEND the model's, OTHER the gateway's.
 */
export type FailureReason = 'REJECTED' | 'BACKEND' | 'OTHER';

export function failureReason(caught: unknown): FailureReason {
  if (!(caught instanceof PerennialError)) return 'BACKEND';
  if (caught.code === 'prediction-invalid' || caught.code === 'internal') return 'BACKEND';
  return caught.status >= 500 ? 'OTHER' : 'REJECTED';
}
