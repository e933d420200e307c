import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Signature } from '../../contracts/models/signature.ts';
import { Bodies } from '../../gateway/protocols/bodies.ts';
import { RawBody } from '../../gateway/protocols/request-bodies.ts';
import { takenFrom } from '../../gateway/protocols/taken.ts';

const signature: Signature = {
  schemaVersion: 1,
  layout: 'columns',
  inputs: [{ name: 'x', type: 'FP64' }],
  output: { name: 'y', type: 'FP64' },
};
const taken = takenFrom({ signature, missing: 'as-trained', nulls: [] });
/** Bodies of this size are read in the thread. */
const padding = ' '.repeat(300_000);

let bodies: Bodies;
beforeEach(() => void (bodies = new Bodies()));
afterEach(() => bodies.close());

function bodyOf(json: string): RawBody {
  return new RawBody('json', Buffer.from(json + padding));
}

function inputsWith(first: number, others = ''): RawBody {
  return bodyOf(`{"inputs":[{"name":"x","datatype":"FP64","shape":[2],"data":[${first},0]}]${others}}`);
}

async function firstValue(body: RawBody): Promise<number | undefined> {
  const { columns } = await bodies.read('inference', body, taken);
  return (await columns(taken)).batch.numbers[0];
}

test('parameters arrive from the thread without what nobody reads', async () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const many = JSON.stringify(Array.from({ length: 100_000 }, (_, at) => at));
  const parameters = `{"replay":"canary","customer":7,"prediction_ids":["a",{"b":1}],"deep":${deep},"object":{"a":${deep}},"many":${many}}`;
  const { head } = await bodies.read('inference', inputsWith(1, `,"parameters":${parameters}`), taken);
  expect(head.parameters).toMatchObject({
    replay: 'canary',
    customer: 7,
    prediction_ids: ['a', {}],
    deep: [[]],
    object: {},
  });
  // One more than the rows that a request may have, so that a list that is too long stays too long.
  expect(head.parameters['many']).toHaveLength(10_001);
});

test.each([
  [
    'parameters',
    `,"parameters":${JSON.stringify(Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`p${at}`, 1])))}`,
  ],
  ['outputs', `,"outputs":${JSON.stringify(Array.from({ length: 1001 }, () => ({ name: 'y' })))}`],
])('more than 1,000 %s are refused, and the next body is read', async (name, others) => {
  await expect(firstValue(inputsWith(1, others))).rejects.toMatchObject({
    code: 'invalid-request',
    message: expect.stringContaining(`"${name}" has 1001 entries`),
  });
  expect(await firstValue(inputsWith(2))).toBe(2);
});

test('of very many unknown columns, the first names and the number arrive', async () => {
  const columns = ['x', ...Array.from({ length: 50_000 }, (_, at) => `c${at}`)];
  const split = JSON.stringify({ dataframe_split: { columns, data: [columns.map((_, at) => at + 3)] } });
  const { columns: read } = await bodies.read('invocation', bodyOf(split), taken);
  const { batch, ignored } = await read(taken);
  expect(batch.numbers[0]).toBe(3);
  expect(ignored.count).toBe(50_000);
  expect(ignored.names.slice(0, 2)).toEqual(['c0', 'c1']);
  expect(ignored.names.length).toBeLessThan(10_000);
});

test('a body during which the thread ends fails alone, and those that wait beside it are read', async () => {
  bodies = new Bodies(new URL('../support/mortal-body-thread.ts', import.meta.url));
  const before = firstValue(inputsWith(1));
  const refused = expect(firstValue(inputsWith(1, ',"id":"end the thread"'))).rejects.toMatchObject({
    code: 'internal',
  });
  const after = [firstValue(inputsWith(2)), firstValue(inputsWith(3))];
  await refused;
  expect(await before).toBe(1);
  expect(await Promise.all(after)).toEqual([2, 3]);
});

test('a body that waits when the gateway stops fails with the reason', async () => {
  const refused = expect(firstValue(inputsWith(1))).rejects.toMatchObject({
    code: 'model-unavailable',
    message: expect.stringContaining('stopping'),
  });
  await bodies.close();
  await refused;
});
