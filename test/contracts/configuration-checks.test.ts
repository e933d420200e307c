import { describe, expect, test } from 'vitest';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { exampleFile } from './example.ts';

function changed(text: string, replacement: string): string {
  expect(exampleFile.split(text)).toHaveLength(2);
  return exampleFile.replace(text, replacement);
}

describe('an error that the file alone reveals names key and line', () => {
  test.each([
    [
      'the target among the features',
      '[season, mnth, hr,',
      '[season, mnth, cnt, hr,',
      '/data/features/2',
      'the target',
    ],
    [
      'a false discovery rate for tests without p-values',
      'threshold: 0.2, exclude',
      'threshold: 0.2, fdr: 0.05, exclude',
      '/monitor/drift/fdr',
      'neither "numeric: psi" nor "categorical: psi" is one',
    ],
    [
      'a minimum effect for tests without p-values',
      'threshold: 0.2, exclude',
      'threshold: 0.2, minEffect: 0.1, exclude',
      '/monitor/drift/minEffect',
      'use ks or chi2',
    ],
    [
      'features that differ only in case',
      '[season, mnth, hr,',
      '[season, mnth, Season, hr,',
      '/data/features/2',
      'only in case',
    ],
    [
      'a feature with a reserved name',
      '[season, mnth, hr,',
      '[season, _AT, hr,',
      '/data/features/1',
      'is reserved for Perennial',
    ],
    [
      'a fill for a column that is not a feature',
      'window: 6 months',
      'fill: { cnt: 0 }\n  window: 6 months',
      '/data/fill/cnt',
      'not one of data.features',
    ],
    ['a duplicate feature', '[season, mnth, hr,', '[season, mnth, season, hr,', '/data/features/2', 'listed twice'],
    ['a holdout as long as the window', '14 days', '6 months', '/build/holdout/last', 'leaves no training rows'],
    ['a holdout longer than the window', '14 days', '1 year', '/build/holdout/last', 'leaves no training rows'],
    ['a holdout longer in days', '14 days', '187 days', '/build/holdout/last', 'leaves no training rows'],
    ['an empty holdout', '14 days', '0 days', '/build/holdout/last', 'must be longer than zero'],
    ['an empty window', 'window: 1 month', 'window: 0 months', '/monitor/window', 'must be longer than zero'],
    ['blocks that are too short', 'block: 1 day', 'block: 1s', '/build/block', 'shorter than 1m'],
    [
      'an expectation that no value meets',
      'hum, min: 0,',
      'hum, min: 2,',
      '/data/expectations/1/min',
      'no value is within',
    ],
    [
      'a metric of another task',
      'metric: rmse\n',
      'metric: rocAuc\n',
      '/build/metric',
      'is not a metric of task regression',
    ],
    [
      'a gate on a metric of another task',
      'rmse, max: 150',
      'logLoss, max: 1',
      '/build/gates/0/metric',
      'use one of rmse, mae, r2',
    ],
    [
      'a monitor with a metric of another task',
      'metric: rmse, max: 100',
      'metric: accuracy, min: 1',
      '/monitor/performance/metric',
      'is not a metric of task regression',
    ],
    [
      'a threshold for a regression',
      'seed: 0',
      'seed: 0\n  threshold: 0.4',
      '/build/threshold',
      'is only for task binary, but the task is regression',
    ],
    [
      'classes for a regression',
      'seed: 0',
      'seed: 0\n  classes: [1, 2]',
      '/build/classes',
      'is only for classifiers, but the task is regression',
    ],
    [
      'a positive class for a regression',
      'seed: 0',
      'seed: 0\n  positive: 1',
      '/build/positive',
      'is only for task binary, but the task is regression',
    ],
    ['a gate without a bound', 'rmse, max: 150', 'rmse', '/build/gates/0', 'set max or min'],
    ['a slice gate without a bound', 'minRows: 48, max: 200', 'minRows: 48', '/build/gates/2', 'set max or min'],
    ['a gate that no value passes', 'max: 150', 'min: 151, max: 150', '/build/gates/0/min', 'no value is within'],
    [
      'an unknown excluded column',
      'exclude: [season, mnth]',
      'exclude: [seasons]',
      '/monitor/drift/exclude/0',
      'neither',
    ],
    [
      'a minimum of drifting features above their number',
      'minFeatures: 1',
      'minFeatures: 10',
      '/monitor/drift/minFeatures',
      '9 are tested',
    ],
    [
      'a p-value above 1',
      'numeric: psi, categorical: psi, threshold: 0.2',
      'numeric: ks, threshold: 2',
      '/monitor/drift/threshold',
      'p-value',
    ],
    ['performance without a bound', 'metric: rmse, max: 100', 'metric: rmse', '/monitor/performance', 'set max or min'],
    [
      'an estimate of a metric that needs labels',
      'metric: rmse, max: 100',
      'metric: r2, min: 0.5, estimated: true',
      '/monitor/performance/estimated',
      'use one of mae, rmse',
    ],
    [
      'an estimate that is switched off',
      'metric: rmse, max: 100 }',
      'metric: rmse, max: 100, estimated: true }\n  estimate: false',
      '/monitor/performance/estimated',
      'monitor.estimate is false',
    ],
    ['a trigger that never occurs', '  performance: { metric: rmse, max: 100 }\n', '', '/retrain/on/1', 'never occurs'],
  ])('%s', (_, text, replacement, pointer, says) => {
    const file = changed(text, replacement);
    let error: unknown;
    try {
      parseConfigurationFile(file);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(PerennialError);
    const { code, fields, message } = error as PerennialError;
    expect(code).toBe('invalid-configuration');
    expect(fields['pointer']).toBe(pointer);
    expect(message).toContain(says);
    expect(message).toContain(`(line ${Number(fields['line'])})`);
  });

  test('for windows and holdouts of time without a timestamp', () => {
    const file = exampleFile.replace(/^ {2}timestamp: .*\n/m, '');
    expect(() => parseConfigurationFile(file)).toThrow(/data\.window.*needs data\.timestamp.*build\.holdout\.last/s);
  });
});

test('a classifier must name a metric of its own, and an error lists the existing ones', () => {
  const classifier = exampleFile
    .replace('task: regression ', 'task: multiclass ')
    .replaceAll('metric: rmse', 'metric: macroF1');
  expect(parseConfigurationFile(classifier)).toMatchObject({ task: 'multiclass', build: { metric: 'macroF1' } });
  expect(() => parseConfigurationFile(classifier.replace(/^ {2}metric: macroF1\n/m, ''))).toThrow(
    '"rmse" is not a metric of task multiclass; use one of accuracy, macroF1, weightedF1, logLoss, rocAuc',
  );
});

describe('errors that only a calendar or the data reveals are not reported here', () => {
  test.each([
    ['a holdout that is shorter in some months', 'window: 6 months', 'window: 1 month', '14 days', '30 days'],
    ['the target left out of drift', 'exclude: [season, mnth]', 'exclude: [cnt]', '', ''],
    ['an exclusion of every feature', 'exclude: [season, mnth]', `exclude: ${allFeatures()}`, '', ''],
    ['a slice by a column that is not a feature', 'slice: workingday', 'slice: yr', '', ''],
  ])('%s', (_, first, firstBy, second, secondBy) => {
    expect(() => parseConfigurationFile(changed(first, firstBy).replace(second, secondBy))).not.toThrow();
  });

  function allFeatures(): string {
    return /features: (\[.*?\])/.exec(exampleFile)?.[1] ?? '';
  }
});

describe('build.classes', () => {
  const classifier = (build: string) =>
    exampleFile.replace('task: regression', 'task: binary').replace('seed: 0', `seed: 0\n  ${build}`);
  const problems = (build: string): string => {
    try {
      parseConfigurationFile(classifier(build));
      return '';
    } catch (caught) {
      if (caught instanceof PerennialError) return caught.message;
      throw caught;
    }
  };

  test('must name each class once, two for a binary task, and include the positive one', () => {
    expect(problems('classes: [late, late]')).toContain('"late" is listed twice');
    expect(problems('classes: [1, 1.0]')).toContain('1 is listed twice');
    expect(problems('classes: [a, b, c]')).toContain('lists 3 classes, but task binary has two');
    expect(problems('classes: [a, b]\n  positive: c')).toContain('"c" is not one of build.classes');
    expect(problems('classes: [a, b]\n  positive: b')).not.toContain('build.classes');
  });
});
