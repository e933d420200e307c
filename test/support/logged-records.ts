import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cellIn, layoutOf } from '../../contracts/data/column-batch.ts';
import type { StoredKind } from '../../contracts/data/column-batch.ts';
import type { PredictionRecord } from '../../contracts/serving/prediction.ts';
import type { DecodedBlock, EncodedTexts } from '../../contracts/serving/segment-blocks/decode-block.ts';
import {
  BlockDecoder,
  blockLength,
  checkBlock,
  eachText,
} from '../../contracts/serving/segment-blocks/decode-block.ts';

export interface BlockColumns {
  readonly features: readonly string[];
  readonly kinds: readonly StoredKind[];
}

/** Returns the rows that a gateway with this home has logged and not uploaded. */
export async function loggedRecords(home: string): Promise<PredictionRecord[]> {
  const folder = join(home, 'gateway', 'segments');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.blocks')).toSorted();
  const segments = await Promise.all(
    names.map(async (name) => {
      const header = JSON.parse(await readFile(join(folder, name.replace(/blocks$/, 'json')), 'utf8'));
      return recordsOfBlocks(await readFile(join(folder, name)), header);
    }),
  );
  return segments.flat();
}

/** Decodes a segment into one record per row. An incomplete last block is left out. */
export function recordsOfBlocks(file: Uint8Array, columns: BlockColumns): PredictionRecord[] {
  const decoder = new BlockDecoder();
  const records: PredictionRecord[] = [];
  // A copy, because a block must begin at a multiple of 8 in its buffer.
  const bytes = Uint8Array.from(file);
  for (let at = 0; at < bytes.length;) {
    const length = blockLength(bytes, at, bytes.length - at);
    if (length === 'torn') break;
    const block = bytes.subarray(at, at + length);
    checkBlock(block);
    records.push(...recordsOf(decoder.decode(block), columns));
    at += length;
  }
  return records;
}

const textsOf = (texts: EncodedTexts): string[] => [...eachText(texts)].map((text) => text.toString('utf8'));

function recordsOf(block: DecodedBlock, { features, kinds }: BlockColumns): PredictionRecord[] {
  const { rows, context, request, firstRow, numbers, failures, role, replay } = block;
  const ids = textsOf(block.ids);
  const texts = block.texts.map((column) => ({ texts: textsOf(column.texts), codes: column.codes }));
  const batch = { layout: layoutOf(features, kinds), rows, numbers, texts };
  const reasons = failures === null ? [] : textsOf(failures.reasons);
  const at = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return ids.map((id, row) => {
    const failure = failures?.rows.indexOf(row) ?? -1;
    return {
      v: 1,
      id,
      ...(request === null ? {} : { request: Buffer.from(request).toString('utf8'), row: firstRow + row }),
      eventTime: at(block.eventTimes?.[row] ?? block.recordedAt),
      recordedAt: at(block.recordedAt),
      release: context.release,
      modelVersion: context.modelVersion,
      generation: context.generation,
      role,
      replay,
      features: Object.fromEntries(features.map((name, column) => [name, cellIn(batch, column, row)])),
      ...(failure === -1 ? answered(block, row) : { prediction: null, error: reasons[failure] }),
    };
  });
}

function answered(
  { context, predictions, probabilities, vectors }: DecodedBlock,
  row: number,
): Pick<PredictionRecord, 'prediction' | 'probabilities' | 'vectors'> {
  const part = ({ width, numbers }: DecodedBlock['vectors'][number]): number[] => [
    ...numbers.subarray(row * width, (row + 1) * width),
  ];
  const finite = (number: number): number | null => (Number.isFinite(number) ? number : null);
  const named = vectors.flatMap((wide, at) =>
    wide.width === 0 ? [] : [[context.vectors[at] ?? '', part(wide).map(finite)] as const],
  );
  return {
    prediction:
      (predictions instanceof Float64Array ? predictions[row] : predictions.labels[predictions.codes[row] ?? -1]) ??
      null,
    ...(probabilities === null ? {} : { probabilities: part(probabilities) }),
    ...(named.length === 0 ? {} : { vectors: Object.fromEntries(named) }),
  };
}
