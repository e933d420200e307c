import { crc32 } from 'node:zlib';
import type { TextColumn } from '../../data/column-batch.ts';
import { missingCode, TextColumnWriter } from '../../data/column-batch.ts';
import type { BlockAnswers, BlockContext, BlockRows } from './block-format.ts';
import { blockFlags, blockRoles, blockVersion, continuedVersion, roleShift, uncheckedBytes } from './block-format.ts';
import { BlockWriter } from './block-writer.ts';

/** A context with its section, which is copied into each of its blocks. */
export interface EncodedContext {
  readonly context: BlockContext;
  readonly section: Uint8Array;
}

export function encodeContext(context: BlockContext): EncodedContext {
  const writer = new BlockWriter(1024);
  writer.texts([JSON.stringify(context)]);
  return { context, section: Uint8Array.from(writer.written()) };
}

/** Appends a block to `writer`. Its layout is described in `block-format.ts`. */
export function encodeBlock(writer: BlockWriter, { context, section }: EncodedContext, rows: BlockRows): void {
  const begin = writer.length;
  const { ids, batch, answers, eventTimes, request, firstRow } = rows;
  writer.pair(0, 0);
  writer.pair(0, firstRow === 0 ? blockVersion : continuedVersion);
  writer.pair(ids.length, flagsOf(rows));
  writer.double(rows.recordedAt);
  writer.raw(section);
  if (eventTimes !== undefined) writer.doubles(eventTimes);
  if (request !== undefined) writer.texts([request]);
  if (firstRow > 0) writer.pair(firstRow, 0);
  writer.texts(ids);
  writer.pair(batch.layout.numbers, batch.layout.texts);
  writer.doubles(batch.numbers);
  for (const column of batch.texts) writeTexts(writer, withoutUnused(column));
  writeAnswers(writer, answers, ids.length, context.vectors);
  const length = writer.length - begin;
  writer.setWord(begin, length);
  writer.setWord(begin + 4, ~length);
  writer.setWord(begin + 8, crc32(writer.written(begin + uncheckedBytes)));
}

function flagsOf({ role, replay, eventTimes, request, firstRow, answers }: BlockRows): number {
  return (
    (blockRoles.indexOf(role) << roleShift) |
    (replay ? blockFlags.replay : 0) |
    (eventTimes === undefined ? 0 : blockFlags.eventTimes) |
    (request === undefined ? 0 : blockFlags.request) |
    (firstRow === 0 ? 0 : blockFlags.continued) |
    (answers.values instanceof Float64Array ? 0 : blockFlags.labels) |
    (answers.probabilities === null ? 0 : blockFlags.probabilities) |
    (answers.failures.length === 0 ? 0 : blockFlags.failures)
  );
}

function writeAnswers(
  writer: BlockWriter,
  { values, probabilities, vectors, failures }: BlockAnswers,
  rows: number,
  names: readonly string[],
): void {
  if (values instanceof Float64Array) writer.doubles(values);
  else writeTexts(writer, labelColumn(values, rows, failures));
  if (probabilities !== null) writeWide(writer, probabilities, rows);
  for (const name of names) writeWide(writer, vectors[name] ?? nothing, rows);
  if (failures.length === 0) return;
  writer.texts(failures.map(({ reason }) => reason));
  writer.words(failures.map(({ row }) => row));
}

const nothing = new Float64Array();

function writeWide(writer: BlockWriter, numbers: Float64Array, rows: number): void {
  writer.pair(numbers.length / rows, 0);
  writer.doubles(numbers);
}

function writeTexts(writer: BlockWriter, { texts, codes }: TextColumn): void {
  writer.texts(texts);
  writer.words(codes);
}

/** Returns the labels as JSON, so that `1`, `"1"` and `true` stay different. Rows without an answer have none. */
function labelColumn(labels: readonly unknown[], rows: number, failures: BlockAnswers['failures']): TextColumn {
  const failed = new Set(failures.map(({ row }) => row));
  const column = new TextColumnWriter(rows);
  for (let row = 0; row < rows; row += 1) if (!failed.has(row)) column.set(row, JSON.stringify(labels[row]));
  return column.column;
}

/** A column may share its texts with other rows, which are not part of the block. */
function withoutUnused(column: TextColumn): TextColumn {
  const { texts, codes } = column;
  if (texts.length <= codes.length) return column;
  const used = new TextColumnWriter(codes.length);
  for (const [row, code] of codes.entries()) if (code !== missingCode) used.set(row, texts[code] ?? '');
  return used.column;
}
