import { expect, test } from 'vitest';
import type { ColumnReference, MonitoringReference } from '../../contracts/models/model-version.ts';
import { driftInWindow } from '../support/drift-in-window.ts';
import { referenceOf } from '../../activities/measurement/reference-of.ts';
import bins from '../reference/drift-bins.json' with { type: 'json' };
import { bikeColumn } from '../support/bike-sharing.ts';

// Checks what docs/how-to/drift-and-retraining.md says about the bike data for each month of 2012. The expected counts
// come from pandas and SciPy, in test/reference/drift-bins.py.

const expected = bins.through_2012;

type Months = readonly [string, string];

const features = [
  'season',
  'mnth',
  'hr',
  'holiday',
  'weekday',
  'workingday',
  'weathersit',
  'temp',
  'atemp',
  'hum',
  'windspeed',
];
const policy = {
  numeric: 'psi',
  categorical: 'psi',
  threshold: 0.2,
  // Calendar columns change from month to month by definition.
  exclude: ['season', 'mnth', 'hr', 'weekday', 'workingday', 'holiday'],
  minFeatures: 1,
} as const;
const measurements = ['weathersit', 'temp', 'atemp', 'hum', 'windspeed'];

function month(number: number): string {
  const year = number < 1 ? 2011 : 2012;
  return `${year}-${String(number < 1 ? number + 12 : number).padStart(2, '0')}`;
}

/** Builds the reference as a model version stores it. */
function referenceIn(months: Months, numeric: readonly string[]): MonitoringReference {
  const of = (name: string, kind: ColumnReference['kind']) => referenceOf(name, bikeColumn(name, months), kind);
  return {
    schemaVersion: 1,
    features: features.map((name) => of(name, numeric.includes(name) ? 'numeric' : 'categorical')),
    target: of('cnt', 'numeric'),
    prediction: of('cnt', 'numeric'),
  };
}

function through2012(referenceMonths: (number: number) => Months, numeric: readonly string[] = measurements) {
  const months = Array.from({ length: 12 }, (_, at) => {
    const here: Months = [month(at + 1), month(at + 1)];
    const labels = bikeColumn('cnt', here);
    const served = {
      features: Object.fromEntries(features.map((name) => [name, bikeColumn(name, here)])),
      predictions: labels,
      labels,
    };
    const drift = driftInWindow(
      served,
      referenceIn(referenceMonths(at + 1), numeric),
      { ...policy, exclude: [...policy.exclude] },
      null,
    );
    return {
      features: drift.filter((result) => result.subject === 'feature' && !result.excluded && result.drifted).length,
      target: drift.some((result) => result.subject === 'target' && result.drifted),
    };
  });
  return {
    findings: months.reduce((sum, { features: some }) => sum + some, 0),
    quiet: months.filter(({ features: some }) => some === 0).length,
    target: months.filter(({ target }) => target).length,
  };
}

test('against the previous six months, every month drifts and the season hides the growth of the target', () => {
  expect(through2012((number) => [month(number - 6), month(number - 1)])).toEqual(expected.half_year);
  expect(expected.half_year).toEqual({ findings: 34, quiet: 0, target: 5 });
});

function aYearAgo(number: number): Months {
  const same = `2011-${String(number).padStart(2, '0')}`;
  return [same, same];
}

test('against the same month a year ago, three months have no drift and the growth of the target is visible', () => {
  expect(through2012(aYearAgo)).toEqual(expected.year_ago);
  expect(expected.year_ago).toEqual({ findings: 19, quiet: 3, target: 11 });
});

test('weather as categories gives the same result as weather in bins of single values', () => {
  const asCode = measurements.filter((name) => name !== 'weathersit');
  expect(through2012(aYearAgo, asCode)).toEqual(expected.year_ago_weather_as_category);
  expect(expected.year_ago_weather_as_category).toEqual(expected.year_ago);
});
