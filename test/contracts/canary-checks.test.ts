import { expect, test } from 'vitest';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { exampleFile } from './example.ts';

function strategyWith(condition: string) {
  return parseConfigurationFile(exampleFile.replace('errorRate: 0.01', condition)).deploy.strategy;
}

test('latency or a metric stops a canary if the configuration sets a limit', () => {
  expect(strategyWith('p99Ms: 50, metric: { name: mae, max: 80 }').abortOn).toEqual({
    p99Ms: 50,
    metric: { name: 'mae', max: 80, minLabels: 30 },
  });
});

test.each([
  ['metric: { name: rmse }', 'max'],
  ['metric: { name: rmse, max: 1, min: 2 }', 'min'],
  ['metric: { name: accuracy, min: 0.9 }', 'is not a metric of task regression'],
  ['p99Ms: 0', 'p99Ms'],
])('a condition that can never decide is refused: %s', (condition, told) => {
  expect(() => strategyWith(condition)).toThrow(told);
});

test('a shadow has defaults, and refuses an invalid share', () => {
  const shadow = (text: string) =>
    parseConfigurationFile(exampleFile.replace('canary: [10, 50, 100]', `shadow: ${text}, canary: [10, 100]`)).deploy
      .strategy.shadow;
  expect(shadow('{}')).toEqual({ bake: '5m', minRows: 50, tolerance: 0, maxFailed: 0.01 });
  expect(() => shadow('{ maxShareBeyond: 20 }')).toThrow('maxShareBeyond');
});
