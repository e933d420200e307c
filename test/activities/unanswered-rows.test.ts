import { expect, test } from 'vitest';
import { driftInWindow } from '../support/drift-in-window.ts';
import type { DriftPolicy } from '../../activities/monitoring/drift-of.ts';
import { failedIn } from '../../activities/monitoring/quality-of.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import { servedSample } from '../../activities/measurement/served-sample.ts';
import { driftVerdicts, qualityVerdicts } from '../../activities/monitoring/verdicts.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { measure } from '../../statistics/metrics/measure.ts';
import { answeredCells } from '../support/answered-cells.ts';
import { bikeInput } from '../support/api.ts';

const configuration = Configuration.parse(bikeInput);

test('the share of rows without an answer can open a finding', () => {
  const answered = { rows: 4, failed: 1 };
  const [failed] = failedIn(answered, { failed: 0.25 });
  expect(failed).toMatchObject({ column: 'prediction', kind: 'failed', value: 0.25, breached: true });
  expect(failed?.detail).toContain('1 of 4 rows');
  expect(qualityVerdicts(failedIn(answered, { failed: 0.5 }))).toMatchObject([{ kind: 'failed', breached: false }]);
  expect(failedIn({ rows: 2, failed: 0 }, undefined)).toEqual([]);
  // A window in which every row has a response closes an open finding.
  expect(failedIn({ rows: 2, failed: 0 }, { failed: 0.5 })).toMatchObject([{ value: 0, breached: false }]);
});

test('metrics exclude the labels of rows without an answer', async () => {
  const served = { predictions: [1, null, 3], labels: [1, 1000, 3] };
  const repositories = new Proxy({}, { get: () => expect.fail('a regression asks for no signatures') });
  const deps = { repositories } as Parameters<typeof servedSample>[0];
  const sample = await servedSample(deps, 'no-id', configuration, answeredCells(served));
  expect(sample?.truth).toEqual(Float64Array.of(1, 3));
  expect(measure(sample!, 'rmse')).toBe(0);
  const unanswered = answeredCells({ ...served, predictions: [null, null, null] });
  expect(await servedSample(deps, 'no-id', configuration, unanswered)).toBeNull();
});

test('a feature gets its own finding even if it is named "prediction", "target" or "__proto__"', () => {
  const policy: DriftPolicy = { numeric: 'psi', categorical: 'psi', threshold: 0.2, exclude: [], minFeatures: 1 };
  const spread = (shift: number) => Array.from({ length: 500 }, (_, row) => row / 500 + shift);
  const names = ['prediction', 'target', '__proto__', 'constructor'];
  const reference = {
    schemaVersion: 1 as const,
    features: names.map((name) => referenceOf(name, spread(0))),
    target: referenceOf('y', spread(0)),
    prediction: referenceOf('prediction', spread(0)),
  };
  const features = Object.fromEntries(names.slice(0, 3).map((name) => [name, spread(3)]));
  const results = driftInWindow({ features, predictions: spread(0), labels: spread(0) }, reference, policy, null);
  const verdicts = driftVerdicts(results, policy, 10);
  expect(verdicts.map(({ subject, breached }) => [subject, breached])).toEqual([
    ['feature prediction', true],
    ['feature target', true],
    ['__proto__', true],
    ['prediction', false],
    ['target', false],
  ]);
});
