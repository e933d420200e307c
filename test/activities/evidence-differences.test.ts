import { describe, expect, it } from 'vitest';
import { decisionsOf, mostChanged } from '../../activities/deployment/evidence/changed-rows.ts';
import { dataDifference } from '../../activities/deployment/evidence/data-difference.ts';
import { lineDifference } from '../../activities/deployment/evidence/line-difference.ts';
import { dependencyDifferences, valueDifferences } from '../../activities/deployment/evidence/value-differences.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import type { DatasetVersion } from '../../contracts/data/dataset-version.ts';
import type { Signature } from '../../contracts/models/signature.ts';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { exampleFile } from '../contracts/example.ts';

describe('the difference of two texts', () => {
  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('');

  it('is a unified diff with three lines of context', () => {
    const before = numbered(1, 21);
    expect(lineDifference(before, before.replace('line 10\n', 'line ten\nand more\n'), 400)).toEqual([
      '@@ -7,7 +7,8 @@',
      ' line 7',
      ' line 8',
      ' line 9',
      '-line 10',
      '+line ten',
      '+and more',
      ' line 11',
      ' line 12',
      ' line 13',
    ]);
  });

  it('joins changes that are near each other in one hunk, and separates the others', () => {
    const before = numbered(1, 41);
    const headers = (after: string) => lineDifference(before, after, 400)?.filter((line) => line.startsWith('@@'));
    expect(headers(before.replace('line 3\n', '').replace('line 8\n', ''))).toEqual(['@@ -1,11 +1,9 @@']);
    expect(headers(before.replace('line 3\n', '').replace('line 30\n', ''))).toEqual([
      '@@ -1,6 +1,5 @@',
      '@@ -27,7 +26,6 @@',
    ]);
  });

  it('is empty for equal texts, and all lines if one text is empty', () => {
    expect(lineDifference('a\nb\n', 'a\nb\n', 400)).toEqual([]);
    expect(lineDifference('', 'a\nb\n', 400)).toEqual(['@@ -0,0 +1,2 @@', '+a', '+b']);
    expect(lineDifference('a\n', '', 400)).toEqual(['@@ -1,1 +0,0 @@', '-a']);
  });

  it('may be only the line feed at the end', () => {
    expect(lineDifference('a\nb', 'a\nb\n', 400)).toEqual([
      '@@ -1,2 +1,2 @@',
      ' a',
      '-b',
      '\\ No newline at end of file',
      '+b',
    ]);
  });

  it('may be only the line endings', () => {
    expect(lineDifference('a\r\n', 'a\n', 400)).toEqual(['@@ -1,1 +1,1 @@', '-a\r', '+a']);
  });

  it('is left out if it is longer than a person reads', () => {
    expect(lineDifference('', numbered(0, 399), 400)).toHaveLength(400);
    expect(lineDifference('', numbered(0, 400), 400)).toBeNull();
  });

  it('of long texts with nothing in common takes bounded time', () => {
    const begun = performance.now();
    expect(lineDifference(numbered(0, 50_000), numbered(50_000, 100_000), 400)).toBeNull();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

describe('the difference of two values', () => {
  it('names paths, and treats a list as one value', () => {
    const before = { params: { depth: 6, rate: 0.1 }, features: ['a', 'b'], seed: 0 };
    const after = { params: { depth: 8, rate: 0.1, trees: 100 }, features: ['a', 'b', 'c'], seed: 0 };
    expect(valueDifferences(before, after)).toEqual([
      { name: 'features', before: '["a","b"]', after: '["a","b","c"]' },
      { name: 'params.depth', before: '6', after: '8' },
      { name: 'params.trees', before: null, after: '100' },
    ]);
  });

  it('names the packages of lock files, whatever else the lines contain', () => {
    const lock = (version: string, more = '') =>
      `# made by a tool\n--index-url https://packages.example\nscikit_learn==${version} \\\n    --hash=sha256:0123\nnumpy==2.1.0\n${more}`;
    expect(dependencyDifferences(lock('1.9.0'), lock('1.9.1', 'onnx[all]>=1.17\n'))).toEqual([
      { name: 'onnx', before: null, after: '>= 1.17' },
      { name: 'scikit-learn', before: '1.9.0', after: '1.9.1' },
    ]);
    expect(dependencyDifferences(null, null)).toEqual([]);
  });
});

describe('the difference of two datasets', () => {
  const part = (letter: string, rows: number) => ({ sha256: letter.repeat(64), bytes: 1, rows });
  const version = (number: number, parts: ReturnType<typeof part>[], columns: [string, 'integer' | 'number'][]) => {
    const manifest: DatasetVersion['manifest'] = {
      schemaVersion: 1,
      columns: columns.map(([name, type]) => ({ name, type, nullable: false })),
      timezone: 'UTC',
      rows: parts.reduce((sum, { rows }) => sum + rows, 0),
      parts,
    };
    return { number, manifest };
  };

  it('consists of the parts that only one of them has', () => {
    const before = version(
      1,
      [part('a', 100), part('b', 7)],
      [
        ['temp', 'integer'],
        ['hum', 'number'],
      ],
    );
    const after = version(
      2,
      [part('a', 100), part('c', 20)],
      [
        ['temp', 'number'],
        ['wind', 'number'],
      ],
    );
    expect(dataDifference(before, after)).toEqual({
      from: 1,
      to: 2,
      rowsBefore: 107,
      rows: 120,
      rowsAdded: 20,
      rowsRemoved: 7,
      columnsAdded: ['wind'],
      columnsRemoved: ['hum'],
      columnsChanged: ['temp'],
    });
    expect(dataDifference(null, after)).toMatchObject({
      from: null,
      rowsBefore: null,
      rowsAdded: 120,
      columnsAdded: [],
    });
  });
});

function classifier(threshold?: number): Configuration {
  return Configuration.parse({
    schemaVersion: 1,
    name: 'tumours',
    task: 'binary',
    owner: 'test',
    data: { source: { path: 'rows.csv' }, target: 'kind', features: ['a'] },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: {
      holdout: { fraction: 0.2, by: 'id' },
      metric: 'accuracy',
      ...(threshold === undefined ? {} : { threshold }),
    },
  });
}

describe('the rows that change most', () => {
  const rows = {
    rows: 4,
    columns: { instant: ['a', 'b', 'c', 'd'], cnt: [1, 2, 3, 4], temp: [0.1, 0.2, 0.3, 0.4] },
  };
  const version = { trainingKeyParts: { features: ['temp'], target: 'cnt' } } as never;
  const { data } = parseConfigurationFile(exampleFile);

  it('come first by their difference, with the fields that identify them', () => {
    const told = mostChanged(rows, {
      version,
      configuration: { task: 'regression', data },
      champion: [1, 2, 3, 4],
      challenger: [1, 7, 2, 4],
    });
    expect(told).toMatchObject({ kind: 'difference', compared: 4, changed: 2, meanDifference: 1.5 });
    expect(told.rows).toEqual([
      { at: null, key: 'b', truth: 2, champion: 2, challenger: 7, features: { temp: 0.2 } },
      { at: null, key: 'c', truth: 3, champion: 3, challenger: 2, features: { temp: 0.3 } },
    ]);
  });

  it('are marked if a refit was trained on them', () => {
    const refit = { trainingKeyParts: { features: ['temp'], target: 'cnt', refitOf: 'a'.repeat(64) } } as never;
    const answered = { configuration: { task: 'regression' as const, data }, champion: [1, 2], challenger: [1, 3] };
    expect(mostChanged(rows, { version: refit, ...answered }).challengerTrainedOn).toBe(true);
    expect(mostChanged(rows, { version, ...answered })).not.toHaveProperty('challengerTrainedOn');
  });

  it('of a classifier are those whose decision changes', () => {
    const told = mostChanged(rows, {
      version,
      configuration: { task: 'binary', data },
      champion: [true, false, true, false],
      challenger: [1, 0, 0, 0],
    });
    expect(told).toMatchObject({ kind: 'flip', changed: 1, meanDifference: null, rows: [{ key: 'c' }] });
  });

  it('of two classes are decided by the measured threshold, whatever the label of the model', () => {
    const classes = ['benign', 'malignant'];
    const signature: Signature = {
      schemaVersion: 1,
      layout: 'columns',
      inputs: [],
      output: { name: 'label', type: 'BYTES' },
      classes,
      probabilities: { name: 'p', type: 'FP32', width: 2 },
    };
    const answers = { rows: 2, values: ['benign', 'benign'], probabilities: Float64Array.of(0.6, 0.4, 0.8, 0.2) };
    const decided = (threshold?: number) =>
      decisionsOf(classifier(threshold), signature, answers, { truth: classes, classes });
    expect(decided()).toEqual(['benign', 'benign']);
    expect(decided(0.3)).toEqual(['malignant', 'benign']);
    const labels = { ...answers, probabilities: null };
    expect(decisionsOf(classifier(0.3), signature, labels, { truth: classes, classes })).toEqual(answers.values);
  });
});
