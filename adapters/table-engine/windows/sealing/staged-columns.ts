import type { DuckDBType, DuckDBVector } from '@duckdb/node-api';
import { BLOB, BOOLEAN, DOUBLE, DuckDBBlobValue, INTEGER, LIST, listValue } from '@duckdb/node-api';
import { blockRoles } from '../../../../contracts/serving/segment-blocks/block-format.ts';
import type {
  DecodedBlock,
  EncodedTexts,
  WideNumbers,
} from '../../../../contracts/serving/segment-blocks/decode-block.ts';
import { eachText } from '../../../../contracts/serving/segment-blocks/decode-block.ts';
import type { Survey } from './survey-blocks.ts';
import { typeOfKinds } from './loaded-records.ts';

/** A column of the table `staged`. Missing numbers are NaN. Texts are bytes in UTF-8. */
export interface StagedColumn {
  readonly name: string;
  readonly type: DuckDBType;
  /** Sets the items from `at` on to the values of `count` rows of the block, from its row `from` on. */
  readonly fill: (vector: DuckDBVector, at: number, block: StagedBlock, from: number, count: number) => void;
}

/** A block with its texts as values of the database: bytes, because its text values end at a NUL character. */
export interface StagedBlock extends Omit<DecodedBlock, 'ids' | 'request' | 'texts' | 'context'> {
  /** Index of the block's context in the survey. */
  readonly context: number;
  readonly ids: readonly DuckDBBlobValue[];
  readonly request: DuckDBBlobValue | null;
  readonly texts: readonly { readonly values: readonly DuckDBBlobValue[]; readonly codes: Int32Array }[];
  /** Why a row has no answer, by row. */
  readonly reasons: ReadonlyMap<number, DuckDBBlobValue>;
}

export function stagedBlock(
  { context, ids, request, texts, ...block }: DecodedBlock,
  { contexts }: Survey,
): StagedBlock {
  const { failures } = block;
  const reasons = failures === null ? [] : blobs(failures.reasons);
  return {
    ...block,
    context: contexts.indexOf(context),
    ids: blobs(ids),
    request: request === null ? null : new DuckDBBlobValue(request),
    texts: texts.map((column) => ({ values: blobs(column.texts), codes: column.codes })),
    reasons: new Map(reasons.map((reason, at) => [failures?.rows[at] ?? 0, reason])),
  };
}

function blobs(texts: EncodedTexts): DuckDBBlobValue[] {
  return Array.from(eachText(texts), (bytes) => new DuckDBBlobValue(bytes));
}

/** Name of the staged column of a feature, by its index among the number and boolean, or the text features. */
export const stagedNumber = (place: number): string => `number_${place}`;
export const stagedText = (place: number): string => `text_${place}`;
/** Name of the staged column of a vector, by its index in the survey. */
export const stagedVector = (place: number): string => `vector_${place}`;

/** Returns the columns that a segment needs. */
export function stagedColumns(survey: Survey): StagedColumn[] {
  const { layout, contexts } = survey;
  return [
    each('id', BLOB, ({ ids }, row) => ids[row] ?? null),
    each('event_ms', DOUBLE, ({ eventTimes, recordedAt }, row) => eventTimes?.[row] ?? recordedAt),
    each('recorded_ms', DOUBLE, ({ recordedAt }) => recordedAt),
    each('context', INTEGER, ({ context }) => context),
    each('role', INTEGER, ({ role }) => blockRoles.indexOf(role)),
    each('replay', BOOLEAN, ({ replay }) => replay),
    predictionColumn(survey),
    ...Array.from({ length: layout.numbers }, (_, place) => numberColumn(place)),
    ...Array.from({ length: layout.texts }, (_, place) => textColumn(place)),
    ...(survey.requests
      ? [
          each('request', BLOB, ({ request }) => request),
          each('request_row', INTEGER, ({ request, firstRow }, row) => (request === null ? null : firstRow + row)),
        ]
      : []),
    ...(survey.errors ? [each('error', BLOB, ({ reasons }, row) => reasons.get(row) ?? null)] : []),
    ...(survey.probabilities
      ? [each('probabilities', LIST(DOUBLE), ({ probabilities, reasons }, row) => shares(probabilities, reasons, row))]
      : []),
    ...Array.from(survey.vectors, (name, place) =>
      each(stagedVector(place), LIST(DOUBLE), (block, row) => vectorOf(block, contexts[block.context], name, row)),
    ),
  ];
}

type Value = Parameters<DuckDBVector['setItem']>[1];

function each(name: string, type: DuckDBType, value: (block: StagedBlock, row: number) => Value): StagedColumn {
  return {
    name,
    type,
    fill(vector, at, block, from, count) {
      for (let row = 0; row < count; row += 1) vector.setItem(at + row, value(block, from + row));
    },
  };
}

function numberColumn(place: number): StagedColumn {
  return {
    name: stagedNumber(place),
    type: DOUBLE,
    fill(vector, at, { numbers, rows }, from, count) {
      const first = place * rows + from;
      for (let row = 0; row < count; row += 1) vector.setItem(at + row, numbers[first + row] ?? Number.NaN);
    },
  };
}

function textColumn(place: number): StagedColumn {
  return each(stagedText(place), BLOB, ({ texts }, row) => {
    const column = texts[place];
    return column?.values[column.codes[row] ?? -1] ?? null;
  });
}

function predictionColumn({ predictions }: Survey): StagedColumn {
  const type = typeOfKinds([...predictions]);
  const value = (block: StagedBlock, row: number): number | string | boolean | undefined => {
    if (block.reasons.has(row)) return undefined;
    const { predictions: given } = block;
    return given instanceof Float64Array ? given[row] : given.labels[given.codes[row] ?? -1];
  };
  if (type === 'DOUBLE') return each('prediction', DOUBLE, (block, row) => Number(value(block, row)));
  if (type === 'BOOLEAN') return each('prediction', BOOLEAN, (block, row) => asBoolean(value(block, row)));
  return each('prediction', BLOB, (block, row) => {
    const label = value(block, row);
    return label === undefined ? null : new DuckDBBlobValue(Buffer.from(String(label)));
  });
}

function asBoolean(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

function shares(wide: WideNumbers | null, reasons: StagedBlock['reasons'], row: number): Value {
  return wide === null || reasons.has(row) ? null : listValue(rowOf(wide, row));
}

/** Returns the row's numbers of the vector, or null if it has none. A number that is not finite is null. */
function vectorOf(
  { vectors, reasons }: StagedBlock,
  context: Survey['contexts'][number] | undefined,
  name: string,
  row: number,
): Value {
  const wide = vectors[context?.vectors.indexOf(name) ?? -1];
  if (wide === undefined || wide.width === 0 || reasons.has(row)) return null;
  return listValue(rowOf(wide, row).map((number) => (Number.isFinite(number) ? number : null)));
}

function rowOf({ width, numbers }: WideNumbers, row: number): number[] {
  return [...numbers.subarray(row * width, (row + 1) * width)];
}
