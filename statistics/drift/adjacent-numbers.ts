/** Returns the smallest double that is greater than a finite number. */
export function doubleAbove(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  const bits = new BigInt64Array(Float64Array.of(value).buffer);
  bits[0] = (bits[0] ?? 0n) + (value > 0 ? 1n : -1n);
  return new Float64Array(bits.buffer)[0] ?? value;
}

/** Returns the greatest double that is smaller than a finite number. */
export function doubleBelow(value: number): number {
  return -doubleAbove(-value);
}

/**
 * Returns the smallest and the greatest double that equal this number after rounding to 32 bits.
 *
 * @param value a finite number of 32 bits.
 */
export function roundedTo(value: number): readonly [least: number, greatest: number] {
  const above = greatestRoundedTo(value);
  return [-greatestRoundedTo(-value), above];
}

function greatestRoundedTo(value: number): number {
  const next = floatAbove(value);
  // The middle of two neighbouring floats is a double, and rounds to the one with the even last bit.
  const middle = value / 2 + next / 2;
  return Math.fround(middle) === value ? middle : doubleBelow(middle);
}

/** Beyond the greatest float, the next one that the format could have if its exponent had no limit. */
function floatAbove(value: number): number {
  if (value === 0) return 2 ** -149;
  const bits = new Int32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] ?? 0) + (value > 0 ? 1 : -1);
  const above = new Float32Array(bits.buffer)[0] ?? value;
  return Number.isFinite(above) ? above : 2 ** 128;
}
