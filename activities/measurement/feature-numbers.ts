import { cellIn, numbersIn, textsIn } from '../../contracts/data/column-batch.ts';
import type { ColumnBatch } from '../../contracts/data/column-batch.ts';
import type { ColumnReference } from '../../contracts/models/model-version.ts';
import { numberOfCell } from './column-values.ts';

/**
 * Returns a column of a batch as numbers. Categories become their positions in the reference's order. Unknown categories
 * and missing values become NaN.
 */
export function featureNumbers(batch: ColumnBatch, column: number, reference: ColumnReference): ArrayLike<number> {
  const isText = batch.layout.kinds[column] === 'text';
  if (reference.kind === 'numeric' && !isText) return numbersIn(batch, column);
  const places = reference.kind === 'numeric' ? null : new Map(reference.categories.map((name, at) => [name, at]));
  if (isText) {
    const { codes, texts } = textsIn(batch, column);
    const numbers = texts.map((text) => (places === null ? numberOfCell(text) : (places.get(text) ?? Number.NaN)));
    return Float64Array.from(codes, (code) => numbers[code] ?? Number.NaN);
  }
  return Float64Array.from({ length: batch.rows }, (_, row) => {
    const cell = cellIn(batch, column, row);
    return cell === null ? Number.NaN : (places?.get(String(cell)) ?? Number.NaN);
  });
}
