/**
 * Formats a number with four significant digits for reasons shown to people. The ledger's subject keeps the full value.
 */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
