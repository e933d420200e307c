import { assert, integer, property, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { BrokenBlockError } from '../../contracts/serving/segment-blocks/decode-block.ts';
import { anySegment, encodedBlocks, recordsOfRequest } from '../support/any-segment.ts';
import { recordsOfBlocks } from '../support/logged-records.ts';

test('decoded blocks have the rows that were encoded', () => {
  assert(
    property(anySegment, ({ requests, ...columns }) => {
      expect(recordsOfBlocks(encodedBlocks(requests), columns)).toEqual(requests.flatMap(recordsOfRequest));
    }),
    { numRuns: 500 },
  );
});

test('a file that is cut anywhere keeps its complete blocks', () => {
  assert(
    property(anySegment, ({ requests, ...columns }) => {
      const whole = encodedBlocks(requests);
      const ends = requests.map((_, at) => encodedBlocks(requests.slice(0, at + 1)).length);
      const records = requests.map(recordsOfRequest);
      for (let length = 0; length <= whole.length; length += 1) {
        const complete = ends.filter((end) => end <= length).length;
        const kept = recordsOfBlocks(whole.subarray(0, length), columns);
        if (kept.length !== records.slice(0, complete).flat().length)
          expect.fail(`cut at ${length}: ${kept.length} rows`);
        if (ends.includes(length)) expect(kept).toEqual(records.slice(0, complete).flat());
      }
    }),
    { numRuns: 20 },
  );
});

test('a flipped bit anywhere is found', () => {
  assert(
    property(
      anySegment.chain((segment) =>
        tuple(integer({ min: 0, max: encodedBlocks(segment.requests).length * 8 - 1 })).map(([bit]) => ({
          ...segment,
          bit,
        })),
      ),
      ({ requests, bit, ...columns }) => {
        const bytes = encodedBlocks(requests);
        bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => recordsOfBlocks(bytes, columns)).toThrow(BrokenBlockError);
      },
    ),
    { numRuns: 500 },
  );
});

test('texts that a batch shares with other rows are not written', () => {
  const texts = Array.from({ length: 1000 }, (_, at) => `text ${at}`);
  const layout = { names: ['s'], kinds: ['text'], places: [0], numbers: 0, texts: 1 } as const;
  const context = { release: 'a'.repeat(64), modelVersion: 1, generation: 1, vectors: [] };
  const rows = {
    role: 'champion',
    replay: false,
    recordedAt: 0,
    eventTimes: undefined,
    request: undefined,
    firstRow: 0,
    ids: ['p1', 'p2'],
    batch: { layout, rows: 2, numbers: new Float64Array(), texts: [{ codes: Int32Array.of(-1, 700), texts }] },
    answers: { values: Float64Array.of(1, 2), probabilities: null, vectors: {}, failures: [] },
  } as const;
  const bytes = encodedBlocks([{ context, rows }]);
  expect(bytes.length).toBeLessThan(500);
  expect(recordsOfBlocks(bytes, { features: ['s'], kinds: ['text'] }).map(({ features }) => features.s)).toEqual([
    null,
    'text 700',
  ]);
});
