import { expect, test } from 'vitest';
import type { ImportanceRequest } from '../../activities/build/evaluation/permutation-importance.ts';
import { permutationImportance } from '../../activities/build/evaluation/permutation-importance.ts';
import { keyedShare, trainedOnRow, wasTrainedOn } from '../../activities/build/evaluation/trained-on.ts';
import { trainingKeyDifferences } from '../../contracts/models/training-key-differences.ts';

const rows = 600;
const columns = {
  strong: Array.from({ length: rows }, (_, row) => (row * 7) % 100),
  weak: Array.from({ length: rows }, (_, row) => (row * 13) % 10),
  unused: Array.from({ length: rows }, (_, row) => (row * 3) % 50),
};
const truth = columns.strong.map((value, row) => 3 * value + (columns.weak[row] ?? 0) + (row % 2));

function request(changes: Partial<ImportanceRequest> = {}): ImportanceRequest {
  return {
    features: ['unused', 'weak', 'strong'],
    columns,
    rows,
    metric: 'rmse',
    seed: 1,
    answer: async ({ strong = [], weak = [] }, chosen) => ({
      task: 'regression',
      truth: chosen.map((row) => truth[row] ?? 0),
      prediction: strong.map((value, row) => 3 * Number(value) + Number(weak[row])),
    }),
    ...changes,
  };
}

test('importance ranks features by their effect on the predictions, and gives 0 to an unused feature', async () => {
  const found = await permutationImportance(request());
  expect(found.features.map(({ name }) => name)).toEqual(['strong', 'weak', 'unused']);
  expect(found.features[2]).toEqual({ name: 'unused', mean: 0, deviation: 0 });
  expect(found).toMatchObject({ baseline: expect.closeTo(Math.sqrt(0.5), 12), rows, repeats: 5, left: [], reason: '' });
});

test('a feature whose shuffling hurts has positive importance also for a score that grows with quality', async () => {
  const found = await permutationImportance(request({ metric: 'r2' }));
  expect(found.features[0]?.mean).toBeGreaterThan(0.5);
});

test('the same seed gives the same importances, and another seed gives others', async () => {
  const bounds = { rows: 100, repeats: 3, timeMs: 20_000 };
  const [one, again, other] = await Promise.all(
    [1, 1, 2].map((seed) => permutationImportance(request({ seed, bounds }))),
  );
  expect(again).toEqual(one);
  expect(other?.features).not.toEqual(one?.features);
  expect(one?.rows).toBe(100);
});

test('the importance of a feature does not depend on the features measured before it', async () => {
  const answerless = request();
  const withNone = await permutationImportance({
    ...answerless,
    answer: async (asked, chosen) =>
      asked.unused?.join() === columns.unused.join() ? answerless.answer(asked, chosen) : null,
  });
  const whole = await permutationImportance(request());
  expect(withNone.left).toEqual(['unused']);
  expect(withNone.features).toEqual(whole.features.filter(({ name }) => name !== 'unused'));
});

test('features that are not measured in time have no importance, and are named', async () => {
  const found = await permutationImportance(request({ bounds: { rows: 100, repeats: 3, timeMs: 0 } }));
  expect(found).toMatchObject({ features: [], left: ['unused', 'weak', 'strong'] });
  expect(found.reason).toMatch(/not measured within 0 s/);
});

test('a refit was trained on every row of its window', () => {
  const trained = {
    dataset: '',
    from: '2012-01-01T00:00:00.000Z',
    to: '2012-02-01T00:00:00.000Z',
    holdout: { kind: 'none' as const },
    trainingRows: 1,
    holdoutRows: 0,
  };
  expect(wasTrainedOn(trained, '2012-01-31T23:59:59.000Z', 'key')).toBe(true);
  expect(wasTrainedOn(trained, '2012-02-01T00:00:00.000Z', 'key')).toBe(false);
  expect(wasTrainedOn(trained, null, 'key')).toBe(true);
});

test('held-out rows are known by the holdout column of that training; without the column each row counts as trained on', () => {
  const trained = {
    dataset: '',
    from: '2012-01-01T00:00:00.000Z',
    to: '2012-02-01T00:00:00.000Z',
    holdout: { kind: 'fraction' as const, fraction: 0.5, by: 'user' },
    trainingRows: 1,
    holdoutRows: 1,
  };
  const users = ['ann', 'bo', 'cy', 'dee', 'eve', 'flo'];
  const times = users.map(() => '2012-01-15T00:00:00.000Z');
  const byUser = times.map((at, row) => trainedOnRow(trained, true)(at, users[row] ?? null));
  expect(byUser).toEqual(users.map((user) => keyedShare(user) >= 0.5));
  expect(new Set(byUser)).toEqual(new Set([true, false]));
  expect(times.map((at) => trainedOnRow(trained, false)(at, null))).toEqual(users.map(() => true));
  // A row outside the training window was not trained on.
  expect(trainedOnRow(trained, false)('2012-02-15T00:00:00.000Z', null)).toBe(false);
});

test('two training keys are compared part by part, and parameters one by one', () => {
  const parts = {
    schemaVersion: 1 as const,
    training: 'a',
    holdout: 'b',
    target: 'cnt',
    features: ['temp'],
    code: 'c',
    environment: { lock: null, interpreter: 'CPython 3.12.1', platform: 'linux-x86_64' },
    params: { depth: 3, gone: true },
    seed: 0,
  };
  const later = { ...parts, features: ['temp', 'hum'], params: { depth: 4 }, refitOf: 'd' };
  const { differences, same } = trainingKeyDifferences(parts, later);
  expect(differences).toEqual([
    { part: 'features', before: ['temp'], after: ['temp', 'hum'] },
    { part: 'params.depth', before: 3, after: 4 },
    { part: 'params.gone', before: true, after: null },
    { part: 'refit', before: false, after: true },
  ]);
  expect(same).toContain('environment.lock');
});
