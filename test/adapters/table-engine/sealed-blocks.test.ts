import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert, asyncProperty } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutOf } from '../../../contracts/data/column-batch.ts';
import type { SegmentToSeal } from '../../../ports/table-engine.ts';
import type { AnyRequest, AnySegment } from '../../support/any-segment.ts';
import { anySegment, encodedBlocks, recordsOfRequest } from '../../support/any-segment.ts';
import { tableEngineBench } from '../../support/table-engine-of-tests.ts';

const { engine, look, folder, sealHere } = tableEngineBench();

type Seal = (request: SegmentToSeal) => ReturnType<typeof sealHere>;

/** Seals a segment and returns the result, or the code of the error, with everything that was written. */
async function sealed(rows: object, features: readonly string[], seal: Seal = sealHere) {
  const made = folder();
  const [path, indexPath] = [join(made, 'segment.parquet'), join(made, 'index.ndjson')];
  const given = { ...rows, features, path, indexPath } as SegmentToSeal;
  try {
    const result = await seal(given);
    const columns = await look(`DESCRIBE SELECT * FROM '${path}'`);
    return {
      result,
      columns: columns.map(({ column_name: name, column_type: type }) => `${String(name)} ${String(type)}`),
      rows: await look(`SELECT * FROM '${path}'`),
      index: await readFile(indexPath, 'utf8'),
    };
  } catch (caught) {
    return { code: (caught as { readonly code?: string }).code ?? caught };
  }
}

async function sealBlocks({ features, kinds, requests }: AnySegment, seal?: Seal) {
  const blocks = join(folder(), 'segment.blocks');
  await writeFile(blocks, encodedBlocks(requests));
  return sealed({ blocks, kinds }, features, seal);
}

async function sealLines({ features, requests }: AnySegment) {
  const ndjson = join(folder(), 'segment.ndjson');
  await writeFile(
    ndjson,
    requests
      .flatMap(recordsOfRequest)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(''),
  );
  return sealed({ ndjson }, features);
}

const context = { release: 'a'.repeat(64), modelVersion: 3, generation: 7, vectors: [] };

function request(ids: readonly string[], values = ids.map((_, row) => row)): AnyRequest {
  const numbers = Float64Array.from(ids, (_, row) => row + 0.5);
  return {
    context,
    rows: {
      role: 'champion',
      replay: false,
      recordedAt: Date.UTC(2024, 0, 1),
      eventTimes: undefined,
      request: undefined,
      firstRow: 0,
      ids,
      batch: { layout: layoutOf(['x'], ['number']), rows: ids.length, numbers, texts: [] },
      answers: { values: Float64Array.from(values), probabilities: null, vectors: {}, failures: [] },
    },
  };
}

const columns = { features: ['x'], kinds: ['number'] } as const;

describe('sealing blocks', () => {
  test('writes the same Parquet and index as JSON lines of the same records', async () => {
    await assert(
      asyncProperty(anySegment, async (segment) => {
        expect(await sealBlocks(segment)).toEqual(await sealLines(segment));
      }),
      { numRuns: 40 },
    );
  });

  test('keeps more rows than one chunk of the database, in a process of the engine', async () => {
    const requests = Array.from({ length: 60 }, (_, at) =>
      request(Array.from({ length: 100 }, (_row, row) => `p${at}-${row}`)),
    );
    const found = await sealBlocks({ ...columns, requests }, (given) => engine.sealSegment(given));
    expect(found).toMatchObject({ result: { rows: 6000, from: '2024-01-01T00:00:00.000Z' } });
    expect(found.rows?.map(({ id }) => id)).toEqual(requests.flatMap(({ rows }) => rows.ids));
    expect(found.rows?.[4321]).toMatchObject({ id: 'p43-21', f_x: 21.5, prediction: 21, release: context.release });
  });

  test('leaves out an incomplete last block', async () => {
    const blocks = join(folder(), 'segment.blocks');
    const bytes = encodedBlocks([request(['p1', 'p2']), request(['p3'])]);
    await writeFile(blocks, bytes);
    await truncate(blocks, bytes.length - 1);
    expect(await sealed({ blocks, kinds: ['number'] }, ['x'])).toMatchObject({ result: { rows: 2 } });
    await truncate(blocks, 5);
    expect(await sealed({ blocks, kinds: ['number'] }, ['x'])).toEqual({ code: 'data-empty' });
  });

  test('refuses a damaged block, other columns, and a row without a prediction or a reason', async () => {
    const blocks = join(folder(), 'segment.blocks');
    const bytes = encodedBlocks([request(['p1', 'p2']), request(['p3'])]);
    bytes[100] = (bytes[100] ?? 0) ^ 4;
    await writeFile(blocks, bytes);
    const unreadable = { code: 'data-unreadable' };
    expect(await sealed({ blocks, kinds: ['number'] }, ['x'])).toEqual(unreadable);
    expect(await sealBlocks({ features: ['x'], kinds: ['text'], requests: [request(['p1'])] })).toEqual(unreadable);
    expect(await sealBlocks({ ...columns, requests: [request(['p1', 'p2'], [1, Number.NaN])] })).toEqual(unreadable);
  });
});
