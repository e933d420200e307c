import { describe, expect, it } from 'vitest';
import { evaluateGates } from '../../activities/build/gates/evaluate-gates.ts';
import { evaluate } from '../../activities/build/evaluation/evaluate.ts';
import type { MeasuredRows } from '../../activities/build/evaluation/measured-rows.ts';
import { Gate } from '../../contracts/configuration/gates.ts';
import { EvaluationBody } from '../../contracts/models/evaluation.ts';

const gate = (value: unknown): Gate => Gate.parse(value);

/**
 * Returns a holdout of whole days, on which every prediction of the challenger is off by `challengerError` and every
 * prediction of the champion by `championError`.
 */
function holdout(
  overrides: { days?: number; challengerError?: number; championError?: number | null } = {},
): MeasuredRows {
  const { days = 14, challengerError = 10, championError = 20 } = overrides;
  const rows = Array.from({ length: days * 24 }, (_, row) => row);
  const truth = rows.map((row) => 100 + (row % 24) * 5 + (row % 7));
  const miss = (error: number) => truth.map((value, row) => value + (row % 2 === 0 ? error : -error));
  return {
    challenger: { task: 'regression', truth, prediction: miss(challengerError) },
    champion: championError === null ? null : { task: 'regression', truth, prediction: miss(championError) },
    blocks: rows.map((row) => `2012-03-${Math.floor(row / 24) + 1}`),
    slices: { workingday: rows.map((row) => (Math.floor(row / 24) % 7 < 2 ? 0 : 1)) },
    trainedOn: rows.map(() => false),
  };
}

/** Returns a challenger whose predictions are too high by `by(row)`. */
function missing({ challenger: { truth } }: MeasuredRows, by: (row: number) => number): MeasuredRows['challenger'] {
  return { task: 'regression', truth, prediction: Array.from(truth, (value, row) => value + by(row)) };
}

describe('threshold gates', () => {
  it('pass at the bound, and beyond it name the value and the bound', () => {
    expect(evaluateGates([gate({ metric: 'rmse', max: 10 })], holdout(), 0)).toMatchObject({
      verdict: 'candidate',
      reasons: [],
    });
    expect(evaluateGates([gate({ metric: 'rmse', max: 150 })], holdout({ challengerError: 160.2 }), 0)).toEqual({
      gates: [
        {
          gate: 'rmse max 150',
          verdict: 'fail',
          value: expect.closeTo(160.2, 9),
          threshold: 150,
          n: 336,
          reason: 'rmse 160.2 is above 150',
        },
      ],
      verdict: 'rejected',
      reasons: ['rmse 160.2 is above 150'],
    });
  });
  it('show as many digits as needed to see the difference', () => {
    expect(
      evaluateGates([gate({ metric: 'mae', max: 150 })], holdout({ challengerError: 150.004 }), 0).reasons,
    ).toEqual(['mae 150.004 is above 150']);
    expect(
      evaluateGates([gate({ metric: 'mae', max: 150 })], holdout({ challengerError: 123_456 }), 0).reasons,
    ).toEqual(['mae 123500 is above 150']);
  });
  it('support a lower bound too', () => {
    const [verdict] = evaluateGates([gate({ metric: 'r2', min: 0.9 })], holdout({ challengerError: 30 }), 0).gates;
    expect(verdict).toMatchObject({ gate: 'r2 min 0.9', verdict: 'fail', threshold: 0.9 });
    expect(verdict!.reason).toMatch(/^r2 0\.\d+ is below 0\.9$/);
  });
});

describe('champion gates', () => {
  const better = gate({ metric: 'rmse', versus: 'champion', minGain: 0, confidence: 0.5 });

  it('pass on a gain and name its share', () => {
    const { gates, verdict } = evaluateGates([better], holdout(), 0);
    expect(verdict).toBe('candidate');
    expect(gates).toEqual([
      {
        gate: 'rmse versus champion, minGain 0',
        verdict: 'pass',
        value: expect.closeTo(0.5, 9),
        threshold: 0,
        n: 336,
        reason: '',
      },
    ]);
  });
  it('fail without a gain, and an equal model has none', () => {
    expect(evaluateGates([better], holdout({ challengerError: 25 }), 0)).toMatchObject({
      verdict: 'rejected',
      reasons: ['no gain over the champion'],
    });
    expect(evaluateGates([better], holdout({ challengerError: 20 }), 0).reasons).toEqual(['no gain over the champion']);
  });
  it('do not apply without a champion, and refuse nothing', () => {
    const { gates, verdict, reasons } = evaluateGates([better], holdout({ championError: null }), 0);
    expect([verdict, reasons, gates[0]!.verdict, gates[0]!.value]).toEqual(['candidate', [], 'not-applicable', null]);
  });
  it('tolerate a loss up to a negative minGain', () => {
    const tolerant = gate({ metric: 'rmse', versus: 'champion', minGain: -0.1, confidence: 0.5 });
    expect(evaluateGates([tolerant], holdout({ challengerError: 21 }), 0).verdict).toBe('candidate');
    expect(evaluateGates([tolerant], holdout({ challengerError: 23 }), 0).verdict).toBe('rejected');
  });
  it('with confidence, fail on a gain that chance explains, although the point estimate passes', () => {
    const rows = holdout();
    // The challenger is better on eight days and worse on six: slightly better overall.
    const noisy = {
      ...rows,
      challenger: missing(rows, (row) => (Math.floor(row / 24) % 7 < 4 ? 12 : 26)),
    };
    expect(evaluateGates([better], noisy, 0).gates[0]).toMatchObject({ verdict: 'pass' });
    const sure = evaluateGates([gate({ metric: 'rmse', versus: 'champion', minGain: 0, confidence: 0.9 })], noisy, 0);
    expect(sure.gates[0]).toMatchObject({ verdict: 'fail', reason: 'no gain over the champion' });
    expect(sure.gates[0]!.value).toBeLessThan(0);
  });
  it('are inconclusive with fewer than 10 blocks, also at confidence 0.5', () => {
    const { gates, verdict, reasons } = evaluateGates([better], holdout({ days: 9 }), 0);
    expect(gates[0]).toMatchObject({ verdict: 'inconclusive', value: null });
    expect([verdict, reasons]).toEqual([
      'rejected',
      ['the gain over the champion is inconclusive: the rows form 9 blocks, but at least 10 are needed'],
    ]);
  });
  it('are inconclusive if either model was trained on a single row', () => {
    const rows = holdout();
    const trainedOn = rows.trainedOn.map((_, row) => row === 100);
    const { gates, reasons } = evaluateGates([better], { ...rows, trainedOn }, 0);
    expect(gates[0]!.verdict).toBe('inconclusive');
    expect(reasons).toEqual([
      'the gain over the champion is inconclusive: 1 of the 336 held-out rows were among the training rows of this version or of the champion',
    ]);
  });
  it('pass an inconclusive comparison with `onInconclusive: pass`, and still report it', () => {
    const lenient = gate({ metric: 'rmse', versus: 'champion', onInconclusive: 'pass' });
    const { gates, verdict, reasons } = evaluateGates([lenient], holdout({ days: 3 }), 0);
    expect([gates[0]!.verdict, verdict, reasons]).toEqual(['inconclusive', 'candidate', []]);
    expect(evaluateGates([lenient], holdout({ challengerError: 25 }), 0).verdict).toBe('rejected');
  });
});

describe('slice gates', () => {
  const sliced = gate({ metric: 'rmse', slice: 'workingday', minRows: 48, max: 200 });
  const withPoorWeekends = (rows: MeasuredRows): MeasuredRows => ({
    ...rows,
    challenger: missing(rows, (row) => (rows.slices['workingday']![row] === 0 ? 231 : 10)),
  });

  it('give one verdict per slice, and one bad slice refuses a model that is good overall', () => {
    const { gates, verdict, reasons } = evaluateGates(
      [gate({ metric: 'rmse', max: 150 }), sliced],
      withPoorWeekends(holdout()),
      0,
    );
    expect(gates.map((each) => [each.gate, each.verdict, each.n])).toEqual([
      ['rmse max 150', 'pass', 336],
      ['rmse for workingday=0 max 200', 'fail', 96],
      ['rmse for workingday=1 max 200', 'pass', 240],
    ]);
    expect([verdict, reasons]).toEqual(['rejected', ['rmse 231.0 for workingday=0 is above 200']]);
  });
  it('decide nothing on a slice below minRows, and report it', () => {
    const small = gate({ metric: 'rmse', slice: 'workingday', minRows: 97, max: 200 });
    const { gates, verdict, reasons } = evaluateGates([small], withPoorWeekends(holdout()), 0);
    expect([verdict, reasons]).toEqual(['candidate', []]);
    expect(gates[0]).toMatchObject({
      verdict: 'not-applicable',
      value: expect.closeTo(231, 9),
      reason: 'workingday=0 has 96 rows, fewer than 97: reported, decides nothing',
    });
  });
  it('fail with an error that names the column if it is absent or a key', () => {
    expect(() => evaluateGates([gate({ metric: 'rmse', slice: 'weekend', max: 1 })], holdout(), 0)).toThrow(
      'a gate slices by "weekend", which is not a column of the dataset',
    );
    const rows = holdout({ days: 60 });
    const keys = { ...rows, slices: { instant: Array.from(rows.blocks, (_, row) => row) } };
    expect(() => evaluateGates([gate({ metric: 'rmse', slice: 'instant', max: 1 })], keys, 0)).toThrow(
      'has 1440 values',
    );
  });
});

describe('an evaluation', () => {
  const request = (rows: MeasuredRows) => ({
    modelVersionDigest: 'a'.repeat(64),
    championVersionDigest: rows.champion === null ? null : 'b'.repeat(64),
    holdout: 'c'.repeat(64),
    metric: 'rmse' as const,
    confidence: 0.9,
    gates: [gate({ metric: 'rmse', slice: 'workingday', minRows: 48, max: 200 })],
    seed: 0,
    rows,
  });

  it('contains both models, the gain, their intervals and every slice, and is identical if repeated', () => {
    const body = evaluate(request(holdout()));
    expect(EvaluationBody.parse(body)).toEqual(body);
    expect(evaluate(request(holdout()))).toEqual(body);
    expect(body).toMatchObject({
      challenger: { rows: 336, rmse: expect.closeTo(10, 9) },
      champion: { rmse: expect.closeTo(20, 9) },
      gain: expect.closeTo(0.5, 9),
      verdict: 'candidate',
    });
    expect(body.challengerInterval).toMatchObject({
      confidence: 0.9,
      low: expect.closeTo(10, 9),
      high: expect.closeTo(10, 9),
    });
    expect(body.gainInterval!.low).toBeCloseTo(0.5, 9);
    expect(
      body.slices.map(({ column, value, challenger, champion }) => [column, value, challenger.rows, champion!.rows]),
    ).toEqual([
      ['workingday', '0', 96, 96],
      ['workingday', '1', 240, 240],
    ]);
  });
  it('of a first model has no champion and no gain, and passes', () => {
    const body = evaluate(request(holdout({ championError: null })));
    expect([body.champion, body.gain, body.gainInterval, body.slices[0]!.champion, body.verdict]).toEqual([
      null,
      null,
      null,
      null,
      'candidate',
    ]);
  });
  it('leaves out the champion if it was trained on a row, because its metrics would be too good', () => {
    const rows = holdout();
    const body = evaluate(request({ ...rows, trainedOn: rows.trainedOn.map((_, row) => row < 10) }));
    expect([body.champion, body.gain, body.gainInterval, body.slices[0]!.champion]).toEqual([null, null, null, null]);
    expect(body.challenger.rows).toBe(336);
  });
  it('of few blocks has a gain and no intervals', () => {
    const body = evaluate(request(holdout({ days: 5 })));
    expect([body.challengerInterval, body.gainInterval]).toEqual([null, null]);
    expect(body.gain).toBeCloseTo(0.5, 9);
  });
});

describe('gates against the champion', () => {
  const gates = [
    gate({ metric: 'rmse', versus: 'champion', minGain: 0, confidence: 0.5 }),
    gate({ metric: 'rmse', slice: 'workingday', versus: 'champion', maxLoss: 0.1, minRows: 1 }),
  ];

  it('refuse a version with the same artifact as the champion, because it gains nothing', () => {
    expect(evaluateGates(gates, { ...holdout({ championError: 10 }), isChampion: false }, 0)).toMatchObject({
      verdict: 'rejected',
      reasons: ['no gain over the champion'],
    });
  });

  it('are inconclusive if the champion has no prediction for some rows, and onInconclusive decides', () => {
    const rows = { ...holdout({ championError: null }), championFailure: 'feature "city", row 4 has no value' };
    const judged = evaluateGates(gates, rows, 0);
    expect(judged.gates.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive']);
    expect(judged).toMatchObject({
      verdict: 'rejected',
      reasons: [expect.stringMatching(/the champion has no answer .*"city", row 4.*onInconclusive: pass/)],
    });
    const passing = gates.map((each) => ({ ...each, onInconclusive: 'pass' as const }));
    expect(evaluateGates(passing, rows, 0).verdict).toBe('candidate');
  });

  it('do not apply to the champion itself when it is deployed under another configuration', () => {
    const judged = evaluateGates(gates, { ...holdout({ championError: 10 }), isChampion: true }, 0);
    expect(judged).toMatchObject({ verdict: 'candidate', reasons: [] });
    expect(judged.gates.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['not-applicable', 'this version is the champion'],
      ['not-applicable', 'this version is the champion'],
    ]);
  });
});
