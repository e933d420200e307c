import type { MissingPolicy } from '../configuration/serve-section.ts';
import type { SignatureInput } from '../models/signature.ts';

const kinds = { FP32: 'a number', FP64: 'a number', INT64: 'an integer', BOOL: 'true or false', BYTES: 'a string' };

/**
 * Returns whether the model accepts a row without a value for this feature, either through its fill value or as NaN.
 */
export function takesMissing({ type, fill }: SignatureInput): boolean {
  return fill !== undefined || type === 'FP32' || type === 'FP64';
}

/** Returns why a missing value of this feature is refused and what to do, or `undefined` if it is accepted. */
export function refusalOfMissing(input: SignatureInput, policy: MissingPolicy): string | undefined {
  if (!takesMissing(input))
    return `the model takes ${kinds[input.type]} and accepts no missing value; send a value, or set a replacement in data.fill`;
  if (input.fill !== undefined || input.missing === true || policy === 'allow') return undefined;
  return 'all rows that the model was trained on had a value of this feature; send a value, or set serve.missing to allow';
}
