/**
 * Returns one number per row. `Float64Array.from` with a function first copies all values into an array, which takes
 * several times the memory and time.
 */
export function byRow(rows: number, of: (row: number) => number): Float64Array {
  const values = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) values[row] = of(row);
  return values;
}

/** Returns one small whole number per row, from 0 to 255. */
export function bytesByRow(rows: number, of: (row: number) => number): Uint8Array {
  const values = new Uint8Array(rows);
  for (let row = 0; row < rows; row += 1) values[row] = of(row);
  return values;
}
