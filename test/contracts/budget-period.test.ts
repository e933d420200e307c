import { expect, it } from 'vitest';
import { budgetPeriod } from '../../contracts/runs/budget-period.ts';

it.each([
  ['3 per day', '2012-03-11T04:59:59.999Z', '2012-03-10T05:00:00.000Z', '2012-03-11T05:00:00.000Z'],
  ['3 per day', '2012-03-11T05:00:00.000Z', '2012-03-11T05:00:00.000Z', '2012-03-12T04:00:00.000Z'],
  ['3 per week', '2012-03-11T12:00:00.000Z', '2012-03-05T05:00:00.000Z', '2012-03-12T04:00:00.000Z'],
  ['3 per month', '2012-04-01T03:59:59.999Z', '2012-03-01T05:00:00.000Z', '2012-04-01T04:00:00.000Z'],
  ['3 per year', '2012-01-01T04:59:59.999Z', '2011-01-01T05:00:00.000Z', '2012-01-01T05:00:00.000Z'],
])('%s at %s is a calendar period in the zone, half-open', (budget, now, from, to) => {
  expect(budgetPeriod(budget, now, 'America/New_York')).toEqual({ allowed: 3, from, to });
});

it('a budget of 0 is valid', () => {
  expect(budgetPeriod('0 per day', '2012-03-11T12:00:00.000Z', 'UTC').allowed).toBe(0);
});

it.each(['often', '3 per hour', '-1 per day', '1.5 per day', ''])('"%s" is not a budget', (text) => {
  expect(() => budgetPeriod(text, '2012-03-11T12:00:00.000Z', 'UTC')).toThrow(RangeError);
});
