import { expect, test } from 'vitest';
import { comparisonChart } from '../../docs/pages/comparison-chart.ts';

const chart = comparisonChart({
  name: 'rows <one>',
  unit: 'rows/s',
  moreIsBetter: true,
  samples: { ours: [{ value: 50 }, { value: 100 }, { value: 60 }], floor: [{ value: 200 }] },
  ratios: [],
});

test('a chart has a bar for the median of each contestant, in proportion to the greatest value', () => {
  const widths = [...chart.matchAll(/<rect [^>]*width="(\d+)"/g)].map(([, width]) => Number(width));
  expect(widths).toHaveLength(2);
  expect(widths[0]! / widths[1]!).toBeCloseTo(60 / 200, 2);
  expect(chart).toContain('>60</text>');
});

test('names are escaped, and nothing in a chart runs or is fetched', () => {
  expect(chart).toContain('rows &lt;one&gt; (rows/s)');
  expect(chart).not.toMatch(/<script|href=|url\(/);
});
