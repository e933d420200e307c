/** At most this many consecutive whole numbers count as codes, such as an hour or a season. More are a quantity. */
const mostCodes = 25;

/** Whether these distinct numbers are codes: whole, consecutive, and at most 25. */
export function areCodes(distinct: Iterable<number>): boolean {
  let [least, greatest, count] = [Infinity, -Infinity, 0];
  for (const value of distinct) {
    if (!Number.isSafeInteger(value)) return false;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    count += 1;
    if (count > mostCodes) return false;
  }
  return count > 0 && greatest - least + 1 === count;
}

/** Converts categories to numbers; null unless each is a whole number in its plain notation. */
export function wholeNumbersIn(categories: readonly string[]): readonly number[] | null {
  const numbers = categories.map(Number);
  const whole = numbers.every((number, at) => Number.isSafeInteger(number) && String(number) === categories[at]);
  return whole && numbers.length > 0 ? numbers : null;
}
