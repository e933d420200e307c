import { expect, test } from 'vitest';
import { refusedRowsOf } from '../../activities/rehearsal/serve-period.ts';

test('refused rows are counted by feature, and the features with the most are named', () => {
  const features = Array.from({ length: 25 }, (_, at) => Array.from({ length: at + 1 }, () => `f${at}`)).flat();
  const { rows, features: named } = refusedRowsOf([...features, '__proto__'].map((feature) => ({ feature })));
  expect(rows).toBe(326);
  expect(named).toHaveLength(20);
  expect(named[0]).toEqual({ name: 'f24', rows: 25 });
  expect(refusedRowsOf([{ feature: '__proto__' }])).toEqual({ rows: 1, features: [{ name: '__proto__', rows: 1 }] });
});
