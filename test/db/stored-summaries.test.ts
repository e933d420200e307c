import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SegmentSummary } from '../../ports/segment-summary.ts';
import { beginRunOf } from '../support/begin-run-of.ts';
import { digestOf } from './database-ground.ts';
import { begin, type LabelGround, layLabelGround } from './label-ground.ts';
import type { Scope } from '../../contracts/identifiers.ts';

let ground: LabelGround;
beforeAll(async () => {
  ground = await layLabelGround();
});
afterAll(() => ground?.end());

function segmentOf({ modelId, environment }: Scope, name: string) {
  const { ids } = ground.context;
  const place = { id: ids.next(), gatewayId: ids.next(), modelId, environment };
  return { ...place, sha256: digestOf(`segment ${name}`), rows: 10, dropped: 0, from: begin, to: begin };
}

const counting = (bound: number) => ({
  key: digestOf(`counting ${bound}`),
  counting: { features: { x: { kind: 'numeric', bounds: [bound] } }, prediction: { kind: 'categorical' } } as const,
});

function summaryOf(rows: number): SegmentSummary {
  const prediction = {
    type: 'VARCHAR',
    values: { kind: 'categorical', present: rows, values: [['ä', rows]] },
  } as const;
  return { schemaVersion: 1, rows, failed: 0, times: [0.5, 1e15], releases: [], features: {}, prediction };
}

test('summaries of segments are kept for the two latest countings, and removed with the segments', async () => {
  const scope = await ground.freshScope();
  expect(await ground.monitoring.counting(scope)).toBeUndefined();
  await ground.monitoring.useCounting(scope, counting(1));
  await ground.monitoring.useCounting(scope, counting(2));
  expect(await ground.monitoring.counting(scope)).toEqual(counting(2));
  const [sealed, later] = [segmentOf(scope, 'sealed'), segmentOf(scope, 'later')];
  const { key } = counting(1);
  await ground.monitoring.addSegment(sealed, [], { key, summary: summaryOf(1) });
  await ground.monitoring.addSegment(later, []);
  const both = [sealed.sha256, later.sha256];
  const unknown = digestOf('unknown');
  await ground.monitoring.addSummaries(
    scope,
    key,
    new Map([later.sha256, unknown].map((digest) => [digest, summaryOf(2)])),
  );
  const stored = new Map([
    [sealed.sha256, summaryOf(1)],
    [later.sha256, summaryOf(2)],
  ]);
  expect(await ground.monitoring.summaries(scope, [...both, unknown], key)).toEqual(stored);
  for (const bound of [2, 3])
    await ground.monitoring.addSummaries(scope, counting(bound).key, new Map([[later.sha256, summaryOf(bound)]]));
  expect(await ground.monitoring.summaries(scope, both, key)).toEqual(new Map([[sealed.sha256, summaryOf(1)]]));
  expect((await ground.monitoring.summaries(scope, both, counting(2).key)).size).toBe(1);
  const run = { runId: await beginRunOf('monitor', { ...ground, scope }), by: ground.by };
  await ground.monitoring.expireSegments(scope, '2013-01-01T00:00:00.000Z', run);
  for (const bound of [1, 2, 3])
    expect((await ground.monitoring.summaries(scope, both, counting(bound).key)).size).toBe(0);
});

test('a summary that was changed is not used', async () => {
  const scope = await ground.freshScope();
  const segment = segmentOf(scope, 'changed');
  const { key } = counting(1);
  await ground.monitoring.addSegment(segment, [], { key, summary: summaryOf(7) });
  await ground.context.db.execute(
    `update segment_summaries set summary = jsonb_set(summary, '{rows}', '8') where segment = '${segment.sha256}'`,
  );
  expect(await ground.monitoring.summaries(scope, [segment.sha256], key)).toEqual(new Map());
});

test('ids are known to be distinct unless a segment repeats an id of its own or of an earlier segment', async () => {
  const scope = await ground.freshScope();
  const page = (...ids: string[]): string =>
    JSON.stringify(ids.map((id) => ({ id, request: null, row: null, version: 1, happened: begin, recorded: begin })));
  const [first, second, third] = ['one', 'two', 'three'].map((name) => segmentOf(scope, `ids ${name}`));
  await ground.monitoring.addSegment(first!, [page('a', 'b'), page('c')]);
  await ground.monitoring.addSegment(second!, [page('d', 'e'), page('d')]);
  await ground.monitoring.addSegment(third!, [page('f', 'b')]);
  const distinct = (...segments: readonly { readonly sha256: string }[]): Promise<boolean> =>
    ground.monitoring.haveDistinctIds(
      scope,
      segments.map(({ sha256 }) => sha256),
    );
  expect(await distinct()).toBe(true);
  expect(await distinct(first!)).toBe(true);
  expect(await distinct(first!, second!)).toBe(false);
  expect(await distinct(first!, third!)).toBe(false);
  expect(await distinct(first!, { sha256: digestOf('unknown') })).toBe(false);
});
