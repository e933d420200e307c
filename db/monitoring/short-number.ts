/** Four digits of a number, for reasons that people read; the subject beside them has all of it. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
