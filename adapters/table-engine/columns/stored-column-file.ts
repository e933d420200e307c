import { type FileHandle, open } from 'node:fs/promises';
import type { BatchLayout, ColumnBatch, TextColumn } from '../../../contracts/data/column-batch.ts';
import { layoutOf } from '../../../contracts/data/column-batch.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import type { StoredColumns } from '../../../ports/stored-columns.ts';
import type { ColumnFile, StoredBatch } from './column-file.ts';

/** Reads a file of typed columns. The file is open only while something is read. */
export function storedColumns(path: string, file: ColumnFile): StoredColumns {
  const places = new Map(file.names.map((name, at) => [name, at]));
  const placeOf = (name: string): number => {
    const place = places.get(name);
    if (place === undefined) throw new PerennialError('internal', `no column "${name}" was stored`, { column: name });
    return place;
  };
  return {
    rows: file.rows,
    layout: layoutOf(file.names, file.kinds),
    async *batches(names = file.names) {
      const columns = names.map(placeOf);
      const kinds = columns.map((at) => file.kinds[at] ?? 'number');
      const layout = layoutOf(names, kinds);
      const handle = await open(path);
      try {
        for (const { batch, at } of batchesIn(file)) yield await readBatch(handle, { batch, at }, { layout, columns });
      } finally {
        await handle.close();
      }
    },
    async numbers(name) {
      const place = placeOf(name);
      const all = new Float64Array(file.rows);
      const handle = await open(path);
      try {
        let row = 0;
        for (const { batch, at } of batchesIn(file)) {
          await readInto(handle, all.subarray(row, row + batch.rows), at + offsetOf(batch, place));
          row += batch.rows;
        }
      } finally {
        await handle.close();
      }
      return all;
    },
  };
}

function* batchesIn({ batches }: ColumnFile): Generator<{ readonly batch: StoredBatch; readonly at: number }> {
  let at = 0;
  for (const batch of batches) {
    yield { batch, at };
    at += offsetOf(batch, batch.bytes.length);
  }
}

function offsetOf({ bytes }: StoredBatch, place: number): number {
  let offset = 0;
  for (let at = 0; at < place; at += 1) offset += bytes[at] ?? 0;
  return offset;
}

interface Asked {
  readonly layout: BatchLayout;
  /** Places of the asked columns in the file. */
  readonly columns: readonly number[];
}

async function readBatch(
  handle: FileHandle,
  { batch, at }: { readonly batch: StoredBatch; readonly at: number },
  { layout, columns }: Asked,
): Promise<ColumnBatch> {
  const { rows } = batch;
  const numbers = new Float64Array(layout.numbers * rows);
  const texts: TextColumn[] = [];
  for (const [index, place] of columns.entries()) {
    const position = at + offsetOf(batch, place);
    const own = layout.places[index] ?? 0;
    if (layout.kinds[index] === 'text') texts[own] = await readTexts(handle, rows, position, batch.bytes[place] ?? 0);
    else await readInto(handle, numbers.subarray(own * rows, (own + 1) * rows), position);
  }
  return { layout, rows, numbers, texts };
}

async function readTexts(handle: FileHandle, rows: number, position: number, bytes: number): Promise<TextColumn> {
  const codes = new Int32Array(rows);
  await readInto(handle, codes, position);
  const json = new Uint8Array(bytes - codes.byteLength);
  await readInto(handle, json, position + codes.byteLength);
  const texts: string[] = JSON.parse(Buffer.from(json.buffer).toString('utf8'));
  return { codes, texts };
}

async function readInto(
  handle: FileHandle,
  into: Float64Array | Int32Array | Uint8Array,
  position: number,
): Promise<void> {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await handle.read(bytes, read, bytes.length - read, position + read);
    if (bytesRead === 0) throw new PerennialError('internal', 'a file of typed columns ends too early', {});
    read += bytesRead;
  }
}
