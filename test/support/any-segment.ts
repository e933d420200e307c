import type { Arbitrary } from 'fast-check';
import {
  array,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  oneof,
  option,
  record,
  string,
  tuple,
} from 'fast-check';
import type { BatchLayout, StoredKind } from '../../contracts/data/column-batch.ts';
import { cellIn, layoutOf, TextColumnWriter } from '../../contracts/data/column-batch.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { BlockContext, BlockRows } from '../../contracts/serving/segment-blocks/block-format.ts';
import { BlockWriter } from '../../contracts/serving/segment-blocks/block-writer.ts';
import { encodeBlock, encodeContext } from '../../contracts/serving/segment-blocks/encode-block.ts';

export interface AnyRequest {
  readonly context: BlockContext;
  readonly rows: BlockRows;
}

export interface AnySegment {
  readonly features: readonly string[];
  readonly kinds: readonly StoredKind[];
  readonly requests: readonly AnyRequest[];
}

/** Any valid Unicode, including NUL and characters beyond the basic plane. */
const text = (maxLength: number): Arbitrary<string> =>
  oneof(
    string({ unit: 'binary', maxLength }),
    string({ unit: 'grapheme', maxLength }),
    constantFrom('', 'ü', '😀', '"\n'),
  );
const finite = double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const milliseconds = integer({ min: 0, max: 4_000_000_000_000 });

const valueOf: Readonly<Record<StoredKind, Arbitrary<number | string>>> = {
  number: finite,
  boolean: constantFrom(0, 1),
  text: text(12),
};

function batchOf(layout: BatchLayout, columns: readonly (readonly (number | string | null)[])[], rows: number) {
  const numbers = columns
    .filter((_, at) => layout.kinds[at] !== 'text')
    .flatMap((cells) => cells.map((cell) => (cell === null ? Number.NaN : Number(cell))));
  const texts = columns
    .filter((_, at) => layout.kinds[at] === 'text')
    .map((cells) => {
      const writer = new TextColumnWriter(rows);
      for (const [row, cell] of cells.entries()) if (cell !== null) writer.set(row, String(cell));
      return writer.column;
    });
  return { layout, rows, numbers: Float64Array.from(numbers), texts };
}

const labelOf: Readonly<Record<string, Arbitrary<ClassValue>>> = {
  numbers: integer(),
  booleans: boolean(),
  texts: text(8),
  mixed: oneof(integer(), boolean(), text(8)),
};
const vectorNames = ['q10', 'q90'];

function requestOf(layout: BatchLayout, predictions: string, context: BlockContext): Arbitrary<AnyRequest> {
  return integer({ min: 1, max: 6 }).chain((rows) => {
    const list = <Item>(item: Arbitrary<Item>) => array(item, { minLength: rows, maxLength: rows });
    const wide = (item: Arbitrary<number>) =>
      integer({ min: 1, max: 3 }).chain((width) =>
        array(item, { minLength: rows * width, maxLength: rows * width }).map((own) => Float64Array.from(own)),
      );
    const answers = record({
      values:
        predictions === 'regression'
          ? list(finite).map((own) => Float64Array.from(own))
          : list(labelOf[predictions] ?? text(8)),
      probabilities: option(wide(double({ min: 0, max: 1, noNaN: true }).map((share) => share || 0))),
      vectors: tuple(...vectorNames.map(() => option(wide(oneof(finite, constantFrom(Number.NaN, Infinity)))))).map(
        (own) =>
          Object.fromEntries(
            own.flatMap((numbers, at) => (numbers === null ? [] : [[vectorNames[at] ?? '', numbers]])),
          ),
      ),
      failures: list(option(text(20), { freq: 1 })).map((reasons) =>
        reasons.flatMap((reason, row) => (reason === null ? [] : [{ row, reason }])),
      ),
    });
    return record({
      context: constant(context),
      rows: record({
        role: constantFrom<PredictionRecord['role'][]>('champion', 'canary', 'shadow', 'pinned'),
        replay: boolean(),
        recordedAt: milliseconds,
        eventTimes: option(
          list(milliseconds).map((own) => Float64Array.from(own)),
          { nil: undefined },
        ),
        request: option(
          text(12).filter((id) => id !== ''),
          { nil: undefined },
        ),
        firstRow: oneof(constant(0), integer({ min: 1, max: 100_000 })),
        ids: list(text(40).filter((id) => id !== '')),
        batch: tuple(...layout.kinds.map((kind) => list(option(valueOf[kind], { freq: 4 })))).map((columns) =>
          batchOf(layout, columns, rows),
        ),
        answers,
      }),
    });
  });
}

/** Segments of requests with every kind of column, prediction and metadata. */
export const anySegment: Arbitrary<AnySegment> = record({
  kinds: array(constantFrom<StoredKind[]>('number', 'boolean', 'text'), { minLength: 1, maxLength: 4 }),
  predictions: constantFrom('regression', 'numbers', 'booleans', 'texts', 'mixed'),
  contexts: array(
    record({
      release: constantFrom('a'.repeat(64), 'b'.repeat(64)),
      modelVersion: integer({ min: 1, max: 9 }),
      generation: integer({ min: 1, max: 9 }),
      vectors: constantFrom([], vectorNames),
    }),
    { minLength: 1, maxLength: 2 },
  ),
}).chain(({ kinds, predictions, contexts }) => {
  const features = kinds.map((_, at) => `f"${at}`);
  const layout = layoutOf(features, kinds);
  return array(oneof(...contexts.map((context) => requestOf(layout, predictions, context))), {
    minLength: 1,
    maxLength: 4,
  }).map((requests) => ({ features, kinds, requests }));
});

export function encodedBlocks(requests: readonly AnyRequest[]): Buffer {
  const writer = new BlockWriter(64);
  for (const { context, rows } of requests) encodeBlock(writer, encodeContext(context), rows);
  return Buffer.from(writer.written());
}

/** Returns the records of a request, as gateways up to 0.2 wrote them. */
export function recordsOfRequest({ context, rows }: AnyRequest): PredictionRecord[] {
  const { role, replay, request, firstRow, batch, answers } = rows;
  const { values, probabilities, vectors, failures } = answers;
  const instant = (at: number): string => new Date(at).toISOString();
  return rows.ids.map((id, row) => {
    const failure = failures.find((candidate) => candidate.row === row);
    const part = (numbers: Float64Array): number[] => {
      const width = numbers.length / batch.rows;
      return [...numbers.subarray(row * width, (row + 1) * width)];
    };
    const logged = context.vectors.filter((name) => vectors[name] !== undefined);
    const answer =
      failure === undefined
        ? {
            prediction: values[row] ?? null,
            ...(probabilities === null ? {} : { probabilities: part(probabilities) }),
            ...(logged.length === 0
              ? {}
              : {
                  vectors: Object.fromEntries(
                    logged.map((name) => [
                      name,
                      part(vectors[name] ?? new Float64Array()).map((own) => (Number.isFinite(own) ? own : null)),
                    ]),
                  ),
                }),
          }
        : { prediction: null, error: failure.reason };
    return {
      v: 1,
      id,
      ...(request === undefined ? {} : { request, row: firstRow + row }),
      eventTime: instant(rows.eventTimes?.[row] ?? rows.recordedAt),
      recordedAt: instant(rows.recordedAt),
      release: context.release,
      modelVersion: context.modelVersion,
      generation: context.generation,
      role,
      replay,
      features: Object.fromEntries(batch.layout.names.map((name, at) => [name, cellIn(batch, at, row)])),
      ...answer,
    };
  });
}
