import { describe, expect, test } from 'vitest';
import { classOrder, classesOf } from '../../activities/measurement/classes-of.ts';
import { evaluateGates } from '../../activities/build/gates/evaluate-gates.ts';
import { targetsOf } from '../../activities/measurement/targets-of.ts';
import { evaluate } from '../../activities/build/evaluation/evaluate.ts';
import type { MeasuredRows } from '../../activities/build/evaluation/measured-rows.ts';
import { probabilityIn, sampleOf } from '../../activities/measurement/sample-of.ts';
import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { Configuration } from '../../contracts/configuration/configuration.ts';
import { Gate } from '../../contracts/configuration/gates.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';
import type { Signature } from '../../contracts/models/signature.ts';

function configuration(task: Configuration['task'], build: Partial<ConfigurationInput['build']> = {}): Configuration {
  return Configuration.parse({
    schemaVersion: 1,
    name: 'tumours',
    task,
    owner: 'test',
    data: { source: { path: 'rows.csv' }, key: 'id', target: 'kind', features: ['a'] },
    code: { path: 'train', command: ['sh', 'train.sh'] },
    build: { holdout: { fraction: 0.2, by: 'id' }, metric: 'accuracy', ...build },
  });
}

const signature = (classes: NonNullable<Signature['classes']>, width = classes.length): Signature => ({
  schemaVersion: 1,
  layout: 'columns',
  inputs: [{ name: 'a', type: 'FP32' }],
  output: { name: 'label', type: 'BYTES' },
  classes,
  probabilities: { name: 'p', type: 'FP32', width },
});

describe('the positive class of two', () => {
  const classes = ['benign', 'malignant'];
  const probabilities = Float64Array.from([0.9, 0.1, 0.4, 0.6, 0.65, 0.35]);
  const rows = {
    truth: ['benign', 'malignant', 'malignant'],
    values: ['benign', 'malignant', 'benign'],
    probabilityOf: probabilityIn(signature(classes), { probabilities }),
  };

  test('is the greater one by default, with the threshold 0.5', () => {
    expect(sampleOf(configuration('binary'), rows, classes)).toMatchObject({
      positive: 'malignant',
      threshold: 0.5,
      truth: Uint8Array.of(0, 1, 1),
      decision: Uint8Array.of(0, 1, 0),
      probability: Float64Array.of(0.1, 0.6, 0.35),
    });
  });
  test('is the one that the configuration names, with its threshold', () => {
    const sample = sampleOf(configuration('binary', { positive: 'benign', threshold: 0.65 }), rows, classes);
    expect(sample).toMatchObject({
      positive: 'benign',
      decision: Uint8Array.of(1, 0, 1),
      truth: Uint8Array.of(1, 0, 0),
    });
  });
  test('is refused if no row has it, with the classes that exist', () => {
    expect(() => sampleOf(configuration('binary', { positive: 'sick' }), rows, classes)).toThrow(
      'build.positive is "sick", but the classes of the target are benign and malignant',
    );
  });
  test("without probabilities is decided by the model's own labels", () => {
    const sample = sampleOf(configuration('binary'), { ...rows, probabilityOf: null }, classes);
    expect(sample).toMatchObject({ threshold: null, probability: null, decision: Uint8Array.of(0, 1, 0) });
  });
  test('is found if the data has booleans and the model has 0 and 1, and also with a single probability per row', () => {
    const probabilityOf = probabilityIn(signature([false, true], 1), { probabilities: Float64Array.of(0.25, 0.75) });
    const sample = sampleOf(configuration('binary'), { truth: [false, true], values: [0, 1], probabilityOf }, [
      false,
      true,
    ]);
    expect(sample).toMatchObject({
      positive: 'true',
      truth: Uint8Array.of(0, 1),
      probability: Float64Array.of(0.25, 0.75),
    });
  });
});

describe('several classes', () => {
  test('that the model does not know have the probability 0', () => {
    const probabilities = Float64Array.of(0.7, 0.3, 0.2, 0.8);
    const probabilityOf = probabilityIn(signature(['a', 'b']), { probabilities });
    expect(
      sampleOf(configuration('multiclass'), { truth: ['a', 'c'], values: ['a', 'b'], probabilityOf }, ['a', 'b']),
    ).toMatchObject({
      classes: ['a', 'b', 'c'],
      truth: Int32Array.of(0, 2),
      decision: Int32Array.of(0, 1),
      probabilities: Float64Array.of(0.7, 0.3, 0, 0.2, 0.8, 0),
    });
  });
  test('a row without a target is not measured', () => {
    expect(targetsOf(['a', 0, false])).toEqual(['a', 0, false]);
    expect(() => targetsOf(['a', null])).toThrow('row 1 has no target');
  });
  test('text that is not a number is refused as the target of a regression', () => {
    const rows = (truth: string) => ({ truth: [truth], values: [1], probabilityOf: null });
    expect(sampleOf(configuration('regression', { metric: 'rmse' }), rows('9007199254740993'), [])).toMatchObject({
      truth: Float64Array.of(9007199254740992),
    });
    for (const truth of ['', 'abc', 'NaN'])
      expect(() => sampleOf(configuration('regression', { metric: 'rmse' }), rows(truth), [])).toThrow(
        `a row has the target "${truth}"`,
      );
  });
  test('are in the order of scikit-learn, and are compared by value', () => {
    expect(sortedClasses([10, 9, 10, 1])).toEqual([1, 9, 10]);
    expect(sortedClasses(['b', 'a', 'B', '\u{1F600}', '\uFFFD'])).toEqual(['B', 'a', 'b', '\uFFFD', '\u{1F600}']);
    expect(sortedClasses(['ab', 'a'])).toEqual(['a', 'ab']);
    expect(sortedClasses([true, false])).toEqual([false, true]);
    expect([classKey(true), classKey(1), classKey('1'), classKey(-0)]).toEqual(['1', '1', '1', '0']);
  });
  test('are refused with the classes found if the task allows more or fewer', () => {
    expect(classesOf('kind', ['b', 'a', null, 'b'], 'binary')).toEqual(['a', 'b']);
    expect(() => classesOf('kind', [1, 2, 3], 'binary')).toThrow(
      'needs exactly two classes, but "kind" has 3 distinct values in the training rows',
    );
    expect(() => classesOf('kind', ['a', 'a'], 'multiclass')).toThrow(
      '"kind" has 1 distinct values in the training rows: a',
    );
  });
});

describe('gates of a classifier', () => {
  /** Returns forty rows: all of the second half but one are positive, and `site` tells the halves apart. */
  function holdout(offset = 0): MeasuredRows {
    const truth = Array.from({ length: 40 }, (_, row) => (row < 20 || row === 39 ? 0 : 1));
    const sample = (shift: number) => {
      const probabilities = Float64Array.from(
        truth.flatMap((kind, row) => {
          const share = Math.min(0.99, Math.max(0.01, 0.5 + (kind === 1 ? 0.1 : -0.1) + shift * ((row % 7) / 7 - 0.5)));
          return [1 - share, share];
        }),
      );
      const probabilityOf = probabilityIn(signature([0, 1]), { probabilities });
      const values = truth.map((_, row) => (probabilities[2 * row + 1]! > 0.5 ? 1 : 0));
      return sampleOf(configuration('binary'), { truth, values, probabilityOf }, [0, 1]);
    };
    return {
      challenger: sample(offset),
      champion: sample(0.6),
      blocks: truth.map((_, row) => row),
      slices: { site: truth.map((_, row) => (row < 20 ? 'north' : 'south')) },
      trainedOn: truth.map(() => false),
    };
  }
  const gates = (...given: unknown[]) => given.map((gate) => Gate.parse(gate));

  test('a score passes above its lower bound, and a better score is a gain over the champion', () => {
    const { gates: told, verdict } = evaluateGates(
      gates({ metric: 'rocAuc', min: 0.95 }, { metric: 'rocAuc', versus: 'champion', minGain: 0, confidence: 0.9 }),
      holdout(),
      0,
    );
    expect(told.map((each) => each.verdict)).toEqual(['pass', 'pass']);
    expect(verdict).toBe('candidate');
  });

  test('a slice with one class has no curve, decides nothing and says so', () => {
    const [north, south] = evaluateGates(
      gates({ metric: 'rocAuc', slice: 'site', minRows: 5, min: 0.9 }),
      holdout(),
      0,
    ).gates;
    expect(north).toMatchObject({
      gate: 'rocAuc for site=north min 0.9',
      verdict: 'not-applicable',
      value: null,
      reason: 'rocAuc is not defined on site=north: no row is of the class 1: reported, decides nothing',
    });
    expect(south).toMatchObject({ verdict: 'pass', value: 1 });
  });

  test('a holdout with only one class is refused if a gate needs a curve', () => {
    const rows = holdout();
    const truth = new Uint8Array(40);
    const challenger = rows.challenger.task === 'binary' ? { ...rows.challenger, truth } : rows.challenger;
    const { verdict, reasons } = evaluateGates(gates({ metric: 'rocAuc', min: 0.9 }), { ...rows, challenger }, 0);
    expect([verdict, reasons]).toEqual(['rejected', ['rocAuc is not defined on these rows: no row is of the class 1']]);
  });

  test('an evaluation contains the metrics of the task, overall and by slice, and can be stored', () => {
    const request = {
      modelVersionDigest: 'a'.repeat(64),
      championVersionDigest: 'b'.repeat(64),
      holdout: 'c'.repeat(64),
      metric: 'logLoss',
      confidence: 0.9,
      gates: gates({ metric: 'accuracy', slice: 'site', minRows: 1, min: 0.5 }),
      seed: 0,
      rows: holdout(),
    } as const;
    const body = evaluate(request);
    expect(EvaluationBody.parse(structuredClone(body))).toEqual(body);
    expect(evaluate(request)).toEqual(body);
    expect(body.challenger).toMatchObject({ task: 'binary', rows: 40, positives: 19, rocAuc: 1 });
    expect(body.gain).toBeGreaterThan(0);
    expect(body.slices.map(({ value, challenger }) => [value, challenger.rows])).toEqual([
      ['north', 20],
      ['south', 20],
    ]);
  });
});

describe('build.classes', () => {
  const classes = classesOf('kind', ['late', 'on time', null, 'late'], 'binary');

  test('sets the order of the classes, and keeps the type of each class in the data', () => {
    expect(classOrder('kind', classes, undefined)).toBeUndefined();
    expect(classOrder('kind', classes, ['on time', 'late'])).toEqual(['on time', 'late']);
    expect(classOrder('kind', [false, true], ['1', 0])).toEqual([true, false]);
  });

  test('must name every class of the data and no other', () => {
    expect(() => classOrder('kind', classes, ['late', 'early'])).toThrow(/names "early".*"late", "on time"/);
    expect(() => classOrder('kind', ['a', 'b', 'c'], ['a', 'c'])).toThrow(/lacks "b", a value of "kind"/);
  });

  test('does not change the positive class, which is the greater one', () => {
    const rows = { truth: ['on time', 'late'], values: ['on time', 'late'], probabilityOf: null };
    const samples = [classes, classes.toReversed()].map((order) => sampleOf(configuration('binary'), rows, order));
    expect(samples.map((sample) => sample.task === 'binary' && sample.positive)).toEqual(['on time', 'on time']);
  });
});
