import { expect, it } from 'vitest';
import { periodsOf } from '../../activities/rehearsal/periods.ts';
import type { RehearsalPlan } from '../../contracts/runs/rehearsal.ts';

function plan(from: string, to: string, every: RehearsalPlan['every']): RehearsalPlan {
  const id = '01a20e53-9549-7264-8887-23e504211458';
  return {
    schemaVersion: 1,
    from,
    to,
    every,
    datasetVersionId: id,
    codeVersionId: id,
    configurationId: id,
    sourceEnvironment: 'production',
  };
}

const zone = 'America/New_York';

it('periods are calendar months in the zone, each with its name, without gap or overlap', () => {
  const periods = periodsOf(plan('2011-07-01T04:00:00.000Z', '2013-01-01T05:00:00.000Z', 'month'), zone);
  expect(periods).toHaveLength(18);
  expect(periods[0]).toEqual({
    index: 0,
    label: '2011-07',
    from: '2011-07-01T04:00:00.000Z',
    to: '2011-08-01T04:00:00.000Z',
  });
  expect(periods.at(-1)).toEqual({
    index: 17,
    label: '2012-12',
    from: '2012-12-01T05:00:00.000Z',
    to: '2013-01-01T05:00:00.000Z',
  });
  for (const [i, period] of periods.entries()) expect(period.from).toBe(periods[i - 1]?.to ?? period.from);
});

it('a day on which the clocks change is one day, and a week is seven days', () => {
  expect(periodsOf(plan('2012-03-11T05:00:00.000Z', '2012-03-12T04:00:00.000Z', 'day'), zone)).toMatchObject([
    { label: '2012-03-11' },
  ]);
  expect(
    periodsOf(plan('2012-03-05T05:00:00.000Z', '2012-03-19T04:00:00.000Z', 'week'), zone).map(({ label }) => label),
  ).toEqual(['2012-03-05', '2012-03-12']);
});

it('incomplete periods are left out, and an empty plan has none', () => {
  expect(periodsOf(plan('2011-07-01T00:00:00.000Z', '2011-08-31T23:59:59.999Z', 'month'), 'UTC')).toHaveLength(1);
  expect(periodsOf(plan('2011-07-01T00:00:00.000Z', '2011-07-01T00:00:00.000Z', 'day'), 'UTC')).toEqual([]);
});
