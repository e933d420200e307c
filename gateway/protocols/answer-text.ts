import type { ClassValue } from '../../contracts/models/signature.ts';
import type { Answers } from '../../ports/model-format.ts';
import { inTurns } from '../turns.ts';

/** Writes the rows of an answer as JSON. A row without an answer is null. */
export type RowText = (row: number) => string;

/** Writes a JSON list with one text per row. */
export function listOfRows(rows: number, textOf: RowText): string | Promise<string> {
  const parts: string[] = [];
  const written = inTurns(rows, (from, to) => parts.push(joined(textOf, from, to)));
  const list = (): string => `[${parts.length === 1 ? parts[0] : parts.join(',')}]`;
  return written === undefined ? list() : written.then(list);
}

function joined(textOf: RowText, from: number, to: number): string {
  let text = '';
  for (let row = from; row < to; row += 1) text += row === from ? textOf(row) : `,${textOf(row)}`;
  return text;
}

/** JSON has no notation for infinity and NaN. A finite number is written as `JSON.stringify` does. */
function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'null';
}

export function failedRows({ failures }: Answers): ReadonlySet<number> {
  return failures.length === 0 ? noRows : new Set(failures.map(({ row }) => row));
}

const noRows: ReadonlySet<number> = new Set();

/** Returns how to write the predictions. Labels of the type BOOL are written as true and false. */
export function predictionText({ values }: Answers, failed: ReadonlySet<number>, isTruth: boolean): RowText {
  return (row) => {
    const value = values[row];
    if (value === undefined || failed.has(row)) return 'null';
    if (isTruth) return String(Boolean(value));
    return typeof value === 'number' ? numberText(value) : JSON.stringify(value satisfies ClassValue);
  };
}

/** Returns how to write `width` numbers per row, separated by commas. */
export function numbersText(numbers: Float64Array, width: number, failed: ReadonlySet<number>): RowText {
  return (row) => {
    const isFailed = failed.has(row);
    let text = '';
    for (let at = row * width; at < (row + 1) * width; at += 1)
      text += `${text === '' ? '' : ','}${isFailed ? 'null' : numberText(numbers[at] ?? Number.NaN)}`;
    return text;
  };
}
