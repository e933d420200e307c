import { describe, expect, test } from 'vitest';
import { dataMoved } from '../../activities/deployment/warnings/data-moved.ts';
import { fewHeldOutRows, fewRows } from '../../activities/deployment/warnings/few-rows.ts';
import { findingsAgainst } from '../../activities/deployment/warnings/findings-against.ts';
import { noCanary } from '../../activities/deployment/warnings/no-canary.ts';
import { refitOf } from '../../activities/deployment/warnings/refit-of.ts';
import { rolledBack } from '../../activities/deployment/warnings/rolled-back.ts';
import { stricterPolicy } from '../../activities/deployment/warnings/stricter-policy.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import type { Cell } from '../../contracts/data/data-types.ts';
import { exampleApproval } from '../api/evidence-example.ts';

describe('data that moved', () => {
  const moved = (before: readonly Cell[], after: readonly Cell[], exclude: readonly string[] = []) =>
    dataMoved(
      [
        {
          before: [referenceOf('temp', before)],
          after: [referenceOf('temp', after)],
          beforeAre: 'the rows before',
          afterAre: 'the rows now',
        },
      ],
      exclude,
    );
  const hours = Array.from({ length: 240 }, (_, hour) => 10 + (hour % 24) / 2);

  test('the warning names the column and how many standard deviations its mean moved', () => {
    // A change of unit from Celsius to Kelvin moves the mean by 273.15, and the standard deviation is 3.46.
    const kelvin = hours.map((value) => value + 273.15);
    expect(moved(hours, kelvin)).toEqual([
      {
        code: 'data-moved',
        column: 'temp',
        message:
          'temp moved by 78.9 standard deviations: its mean is 289 in the rows now, against 15.8 in the rows before',
      },
    ]);
  });

  test.each<[string, readonly Cell[], readonly Cell[]]>([
    ['two weeks of another season', hours, hours.map((value) => value + 8)],
    ['the same numbers in another order', hours, hours.toReversed()],
    ['a new code among the old ones', [1, 1, 2, 2], [1, 2, 3, 1]],
    ['a few missing values', hours, hours.map((value, row) => (row % 4 === 0 ? null : value))],
    ['a column that hardly ever changes', Array<Cell>(100).fill(0), [...Array<Cell>(99).fill(0), 1]],
    ['new values of a continuous column', hours, hours.map((value) => value + 0.01)],
    ['a column that is empty in both', [null, null], [null, null]],
  ])('does not include %s', (_, before, after) => {
    expect(moved(before, after)).toEqual([]);
  });

  test.each<[string, readonly Cell[], readonly Cell[], RegExp]>([
    [
      'more missing values',
      hours,
      hours.map((value, row) => (row % 4 === 0 ? value : null)),
      /is missing in 75 % .* 0 %/,
    ],
    ['unknown texts', ['de', 'fr'], ['DE', 'FR', 'de'], /has values in 67 % of the rows now that do not occur in/],
    ['another constant', Array<Cell>(50).fill(1), Array<Cell>(50).fill(2), /has values in 100 %/],
    ['a wider spread', hours, hours.map((value) => (value - 15.75) * 1000 + 15.75), /is spread 1000 times as wide/],
    ['few codes in another unit', [1, 2, 3, 4], [1000, 2000, 3000], /moved by \d+ standard deviations/],
  ])('includes: %s', (_, before, after, message) => {
    expect(moved(before, after)).toMatchObject([{ message: expect.stringMatching(message) }]);
  });

  test('a column that monitoring excludes causes no warning', () => {
    const later = hours.map((value) => value + 1000);
    expect(moved(hours, later, ['temp'])).toEqual([]);
  });

  test('each column is named once, the largest shift first, and at most ten columns are named', () => {
    const names = Array.from({ length: 13 }, (_, at) => `c${at}`);
    const sides = { beforeAre: 'a', afterAre: 'b' };
    const before = names.map((name) => referenceOf(name, hours));
    const by = (factor: number) =>
      names.map((name, at) =>
        referenceOf(
          name,
          hours.map((value) => value + (at + 1) * 100 * factor),
        ),
      );
    const told = dataMoved([
      { ...sides, before, after: by(1) },
      { ...sides, before, after: by(2) },
    ]);
    expect(told.map(({ column }) => column)).toEqual([...names.toReversed().slice(0, 10), undefined]);
    expect(told.at(-1)?.message).toBe('3 more columns moved far, among them c2');
  });
});

test('a warning states where, when, by whom and why a version was rolled back or its canary aborted', () => {
  const at = '2026-01-02T03:04:05.000Z';
  const withdrawals = [
    { environment: 'production', kind: 'rollback' as const, at, by: 'ops', reason: 'answers are off' },
    { environment: 'staging', kind: 'abort' as const, at, by: 'lifecycle', reason: 'error rate 0.2 is above 0.1' },
  ];
  expect(rolledBack(4, { withdrawals })).toEqual([
    { code: 'rolled-back', message: `version 4 was rolled back in production at ${at} by ops: answers are off` },
    {
      code: 'rolled-back',
      message: `version 4 was rolled back automatically in staging at ${at}: error rate 0.2 is above 0.1`,
    },
  ]);
  expect(rolledBack(4, { withdrawals: [] })).toEqual([]);
});

test('open and closed findings against the version cause warnings', () => {
  const openedAt = '2026-01-02T03:04:05.000Z';
  const closedAt = '2026-01-03T03:04:05.000Z';
  const finding = {
    environment: 'production',
    kind: 'drift' as const,
    subject: 'temp',
    value: 0.41234,
    threshold: 0.2,
  };
  const findings = [
    { ...finding, openedAt, closedAt: null },
    { ...finding, openedAt, closedAt },
  ];
  expect(findingsAgainst(4, { findings }).map(({ message }) => message)).toEqual([
    `a finding was opened against version 4 in production at ${openedAt} and is still open: drift of temp with the value 0.4123, beyond the threshold 0.2`,
    `a finding was opened against version 4 in production at ${openedAt} and was closed at ${closedAt}: drift of temp with the value 0.4123, beyond the threshold 0.2`,
  ]);
});

test('a small holdout causes a warning', () => {
  const { challenger } = exampleApproval.evidence.evaluation;
  expect(fewRows({ challenger: { ...challenger, rows: fewHeldOutRows } })).toEqual([]);
  expect(fewRows({ challenger: { ...challenger, rows: 48 } })).toMatchObject([
    { code: 'few-rows', message: expect.stringMatching(/^only 48 rows/) },
  ]);
});

test('the warning for a refit names the version that was measured', () => {
  const digest = 'a'.repeat(64);
  expect(refitOf(5, {})).toEqual([]);
  expect(refitOf(5, { cites: { evaluation: digest, modelVersion: 4, artifact: digest } })).toMatchObject([
    { code: 'refit', message: expect.stringMatching(/^version 5 is the refit of version 4/) },
  ]);
});

test('a rollout to all requests at once causes a warning, for a first release and for a strategy without steps', () => {
  const champion = 'c'.repeat(64);
  const strategy = { canary: [10, 100], bake: '5m', minRequests: 50 };
  const straight = { ...strategy, canary: [100] };
  expect(noCanary({ strategy, champion })).toEqual([]);
  const said = (subject: Parameters<typeof noCanary>[0]) => noCanary(subject).map(({ message }) => message);
  expect(said({ strategy, champion: null })).toEqual([
    'nothing serves in this environment yet: the release gets all requests at once, without a canary or a bake',
  ]);
  expect(said({ strategy: straight, champion })).toEqual([
    expect.stringMatching(/^the release gets all requests at once/),
  ]);
  expect(said({ strategy: { ...straight, shadow: { bake: '1m' } }, champion })).toEqual([
    expect.stringMatching(/^after the shadow step/),
  ]);
});

test('each stricter approval rule of an environment is listed, and an equal environment causes no warning', () => {
  const own = { votes: 1, roles: ['approver' as const], requesterMayVote: true, expires: '72h' };
  expect(stricterPolicy('production', own, own)).toEqual([]);
  const holds = { ...own, votes: 2, roles: ['admin' as const], requesterMayVote: false, expires: '24h' };
  expect(stricterPolicy('production', own, holds)).toEqual([
    {
      code: 'stricter-policy',
      message:
        'production is stricter than deploy.approval of the model: 2 votes instead of 1, votes of admin instead of approver, the requester may not vote, the principal that recorded the code may not vote, the request expires after 24h instead of 72h',
    },
  ]);
});
