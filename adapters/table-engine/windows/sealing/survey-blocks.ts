import { layoutOf } from '../../../../contracts/data/column-batch.ts';
import type { BatchLayout, StoredKind } from '../../../../contracts/data/column-batch.ts';
import { PerennialError, reasonOf } from '../../../../contracts/errors.ts';
import type { BlockContext } from '../../../../contracts/serving/segment-blocks/block-format.ts';
import type { DecodedBlock } from '../../../../contracts/serving/segment-blocks/decode-block.ts';
import {
  BlockDecoder,
  BrokenBlockError,
  checkBlock,
} from '../../../../contracts/serving/segment-blocks/decode-block.ts';
import { readBlocks } from './read-blocks.ts';

/** What must be known about a segment before its columns are created. */
export interface Survey {
  /** Decodes the segment's blocks. Equal contexts are one object. */
  readonly decoder: BlockDecoder;
  rows: number;
  readonly layout: BatchLayout;
  readonly contexts: BlockContext[];
  /** Kinds of the predictions. */
  readonly predictions: Set<StoredKind>;
  /** Whether a feature has a value in any row. */
  readonly filled: boolean[];
  probabilities: boolean;
  /** Names of the vectors that rows may have. */
  readonly vectors: Set<string>;
  errors: boolean;
  requests: boolean;
}

/**
 * Checks a segment of blocks and finds out what it contains. Throws `data-unreadable` for a broken block, and for rows
 * that have neither a finite prediction nor a reason for the missing prediction; `data-empty` if there is no row.
 */
export async function surveyBlocks(path: string, kinds: readonly StoredKind[]): Promise<Survey> {
  const survey: Survey = {
    decoder: new BlockDecoder(),
    rows: 0,
    layout: layoutOf(kinds.map(String), kinds),
    contexts: [],
    predictions: new Set(),
    filled: kinds.map(() => false),
    probabilities: false,
    vectors: new Set(),
    errors: false,
    requests: false,
  };
  let broken = 0;
  try {
    await eachBlock(path, survey.decoder, (block) => (broken += add(survey, block)), checkBlock);
  } catch (caught) {
    if (!(caught instanceof BrokenBlockError)) throw caught;
    throw new PerennialError(
      'data-unreadable',
      `the segment ${path} has a broken block: ${reasonOf(caught)}`,
      { segment: path },
      { cause: caught },
    );
  }
  if (survey.rows === 0)
    throw new PerennialError('data-empty', `the segment ${path} has no complete record`, { segment: path });
  if (broken > 0)
    throw new PerennialError(
      'data-unreadable',
      `the segment ${path} has ${broken} records that have neither a finite prediction nor a reason for the missing prediction`,
      { segment: path },
    );
  return survey;
}

/** Calls `use` with each block of a segment. */
export async function eachBlock(
  path: string,
  decoder: BlockDecoder,
  use: (block: DecodedBlock) => void,
  check: (bytes: Uint8Array) => void = () => undefined,
): Promise<void> {
  for await (const blocks of readBlocks(path))
    for (const bytes of blocks) {
      check(bytes);
      use(decoder.decode(bytes));
    }
}

const none: ReadonlySet<number> = new Set();

/** Adds a block to the survey, and returns the number of its broken rows. */
function add(survey: Survey, block: DecodedBlock): number {
  const { layout } = survey;
  if (block.numberColumns !== layout.numbers || block.texts.length !== layout.texts)
    throw new BrokenBlockError('a block has other columns than its segment');
  survey.rows += block.rows;
  if (!survey.contexts.includes(block.context)) survey.contexts.push(block.context);
  for (const [at, known] of survey.filled.entries()) if (!known) survey.filled[at] = hasValue(layout, block, at);
  const failed = block.failures === null ? none : new Set(block.failures.rows);
  survey.errors ||= failed.size > 0;
  survey.requests ||= block.request !== null;
  if (failed.size < block.rows) {
    survey.probabilities ||= block.probabilities !== null;
    if (block.vectors.some(({ width }) => width > 0))
      for (const name of block.context.vectors) survey.vectors.add(name);
  }
  return brokenRows(survey, block, failed);
}

function hasValue({ kinds, places }: BatchLayout, block: DecodedBlock, column: number): boolean {
  const place = places[column] ?? 0;
  if (kinds[column] === 'text') return block.texts[place]?.codes.some((code) => code >= 0) ?? false;
  return block.numbers.subarray(place * block.rows, (place + 1) * block.rows).some((value) => !Number.isNaN(value));
}

function brokenRows({ predictions }: Survey, block: DecodedBlock, failed: ReadonlySet<number>): number {
  const { rows, probabilities } = block;
  let broken = 0;
  for (let row = 0; row < rows; row += 1) {
    if (failed.has(row)) continue;
    const kind = kindOfPrediction(block, row);
    if (kind === undefined || !isFinitePart(probabilities, row)) broken += 1;
    else predictions.add(kind);
  }
  return broken;
}

function kindOfPrediction({ predictions }: DecodedBlock, row: number): StoredKind | undefined {
  if (predictions instanceof Float64Array) return Number.isFinite(predictions[row]) ? 'number' : undefined;
  const label = predictions.labels[predictions.codes[row] ?? -1];
  if (typeof label === 'number') return 'number';
  if (typeof label === 'boolean') return 'boolean';
  return label === undefined ? undefined : 'text';
}

function isFinitePart(wide: DecodedBlock['probabilities'], row: number): boolean {
  if (wide === null) return true;
  for (let at = row * wide.width; at < (row + 1) * wide.width; at += 1)
    if (!Number.isFinite(wide.numbers[at])) return false;
  return true;
}
