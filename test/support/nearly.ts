import { expect } from 'vitest';

/** Expects equality with a reference value within a relative 1e-9 or an absolute 1e-12, whichever is wider. */
export function expectNearly(actual: number, reference: number, what: string): void {
  const difference = Math.abs(actual - reference);
  expect(difference <= Math.max(1e-12, 1e-9 * Math.abs(reference)), `${what}: ${actual} is not ${reference}`).toBe(
    true,
  );
}
