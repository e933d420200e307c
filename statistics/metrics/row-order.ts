import { byRow } from './by-row.ts';

/** With fewer rows, sorting by comparison is as fast. */
const fewRows = 2_000;
const digits = 65_536;

/** Returns the indexes of `values`, from the smallest value to the greatest. Equal values keep their order. */
export function ascending(values: ArrayLike<number>): Int32Array {
  return ordered(values, false);
}

/** Returns the indexes of `values`, from the greatest value to the smallest. Equal values keep their order. */
export function descending(values: ArrayLike<number>): Int32Array {
  return ordered(values, true);
}

function ordered(values: ArrayLike<number>, fromGreatest: boolean): Int32Array {
  const order = Int32Array.from({ length: values.length }, (_, row) => row);
  if (values.length > fewRows) return sortedByDigits(order, digitsOf(values, fromGreatest));
  const sign = fromGreatest ? -1 : 1;
  return order.sort((a, b) => sign * ((values[a] ?? 0) - (values[b] ?? 0)));
}

/**
 * Returns four digits of 16 bits per value, the least significant first, whose order as whole numbers is that of the
 * values: the bits of a positive double with the sign flipped, and of a negative one with all bits flipped.
 */
function digitsOf(values: ArrayLike<number>, fromGreatest: boolean): Uint16Array {
  // Adding 0 makes -0 equal to 0.
  const copy = byRow(values.length, (row) => (values[row] ?? 0) + 0);
  const words = new Uint32Array(copy.buffer);
  const flip = fromGreatest ? 0xff_ff_ff_ff : 0;
  for (let at = 0; at < words.length; at += 2) {
    const [low, high] = [words[at] ?? 0, words[at + 1] ?? 0];
    const isNegative = high >>> 31 === 1;
    words[at] = (isNegative ? ~low : low) ^ flip;
    words[at + 1] = (isNegative ? ~high : high ^ 0x80_00_00_00) ^ flip;
  }
  return new Uint16Array(copy.buffer);
}

/** Least significant digit first, which keeps the order of equal values. Comparing would take several times as long. */
function sortedByDigits(order: Int32Array, keys: Uint16Array): Int32Array {
  let [from, to]: [Int32Array, Int32Array] = [order, new Int32Array(order.length)];
  for (let digit = 0; digit < 4; digit += 1) {
    const places = new Int32Array(digits + 1);
    for (let row = 0; row < order.length; row += 1) {
      const next = (keys[row * 4 + digit] ?? 0) + 1;
      places[next] = (places[next] ?? 0) + 1;
    }
    for (let value = 1; value < digits; value += 1) places[value] = (places[value] ?? 0) + (places[value - 1] ?? 0);
    for (let at = 0; at < from.length; at += 1) {
      const row = from[at] ?? 0;
      const value = keys[row * 4 + digit] ?? 0;
      const place = places[value] ?? 0;
      places[value] = place + 1;
      to[place] = row;
    }
    [from, to] = [to, from];
  }
  return from;
}
