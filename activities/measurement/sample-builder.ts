import { bytesByRow } from '../../statistics/metrics/by-row.ts';
import { classKey, sortedClasses } from '../../contracts/models/classes.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { largestMeasured } from '../../contracts/monitoring/label-value.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';
import type { BinarySample, MulticlassSample, RegressionSample, Sample } from '../../statistics/metrics/sample.ts';

export type Answering = Pick<Configuration, 'task' | 'build'>;

/** Returns the probability that an answer gives to a class, by class key; 0 for a class that the model does not know. */
export type ShareOf = (key: string) => number;

/** Collects truth and answers, row by row, into the typed arrays that the metrics of the task read. */
export interface SampleBuilder {
  /** @param shareOf null if the answer has no probabilities. The sample then has none. */
  add(truth: ClassValue, value: ClassValue, shareOf: ShareOf | null): void;
  sample(): Sample;
}

export interface SampledClasses {
  /** Classes of the measured model; classes that only the truth or the answers contain are added. */
  readonly classes: readonly ClassValue[];
  /** Further classes that answers may give probabilities to. */
  readonly others: readonly ClassValue[];
  /** Whether the model gives probabilities; false also drops those of single rows. */
  readonly withShares: boolean;
}

/**
 * @param rowsAtMost number of rows that may be added.
 * @throws PerennialError `invalid-configuration` if `build.positive` is none of the classes, or if a regression's
 * target is not a number; `prediction-invalid` if a regression's answer is too large for a metric.
 */
export function sampleBuilder(answering: Answering, sampled: SampledClasses, rowsAtMost: number): SampleBuilder {
  const { task, build } = answering;
  if (task === 'regression') return new RegressionRows(build.quantile, rowsAtMost);
  return task === 'binary' ? new BinaryRows(build, sampled, rowsAtMost) : new MulticlassRows(sampled, rowsAtMost);
}

class RegressionRows implements SampleBuilder {
  readonly #quantile: number | undefined;
  readonly #truth: Float64Array;
  readonly #prediction: Float64Array;
  #rows = 0;

  constructor(quantile: number | undefined, rowsAtMost: number) {
    this.#quantile = quantile;
    this.#truth = new Float64Array(rowsAtMost);
    this.#prediction = new Float64Array(rowsAtMost);
  }

  add(truth: ClassValue, value: ClassValue): void {
    this.#truth[this.#rows] = numberOf(truth);
    this.#prediction[this.#rows] = answerOf(value, this.#rows);
    this.#rows += 1;
  }

  sample(): RegressionSample {
    return {
      task: 'regression',
      truth: this.#truth.subarray(0, this.#rows),
      prediction: this.#prediction.subarray(0, this.#rows),
      ...(this.#quantile === undefined ? {} : { quantile: this.#quantile }),
    };
  }
}

/** The engine returns whole numbers beyond 2^53 as text. */
function numberOf(target: ClassValue): number {
  const number = target === '' ? Number.NaN : Number(target);
  if (Number.isFinite(number)) return number;
  throw new PerennialError(
    'invalid-configuration',
    `task regression needs a numeric target, but a row has the target ${JSON.stringify(target)}; choose a numeric target, or another task`,
    { target: String(target) },
  );
}

function answerOf(value: ClassValue, row: number): number {
  const number = Number(value);
  if (Math.abs(number) <= largestMeasured || Number.isNaN(number)) return number;
  throw new PerennialError(
    'prediction-invalid',
    `the model answers row ${row} with ${number}, beyond ±${largestMeasured}, so no metric can be computed with it; check how the model handles extreme values`,
    { row },
  );
}

const defaultThreshold = 0.5;

/** For binary models the positive class is `build.positive` or, by default, the greater one. */
class BinaryRows implements SampleBuilder {
  readonly #threshold: number;
  readonly #positive: ClassValue;
  readonly #key: string;
  readonly #truth: Uint8Array;
  /** Whether the model's own label is the positive class. */
  readonly #said: Uint8Array;
  #probability: Float64Array | null;
  #rows = 0;

  constructor(
    { positive, threshold = defaultThreshold }: Configuration['build'],
    { classes, withShares }: SampledClasses,
    rowsAtMost: number,
  ) {
    this.#threshold = threshold;
    this.#positive = positiveClass(positive, classes);
    this.#key = classKey(this.#positive);
    this.#truth = new Uint8Array(rowsAtMost);
    this.#said = new Uint8Array(rowsAtMost);
    this.#probability = withShares ? new Float64Array(rowsAtMost) : null;
  }

  add(truth: ClassValue, value: ClassValue, shareOf: ShareOf | null): void {
    const row = this.#rows;
    this.#truth[row] = classKey(truth) === this.#key ? 1 : 0;
    this.#said[row] = classKey(value) === this.#key ? 1 : 0;
    if (shareOf === null) this.#probability = null;
    else if (this.#probability !== null) this.#probability[row] = shareOf(this.#key);
    this.#rows += 1;
  }

  sample(): BinarySample {
    const rows = this.#rows;
    const probability = this.#probability?.subarray(0, rows) ?? null;
    return {
      task: 'binary',
      positive: String(this.#positive),
      threshold: probability === null ? null : this.#threshold,
      truth: this.#truth.subarray(0, rows),
      probability,
      decision:
        probability === null
          ? this.#said.subarray(0, rows)
          : bytesByRow(rows, (row) => ((probability[row] ?? 0) >= this.#threshold ? 1 : 0)),
    };
  }
}

function positiveClass(given: ClassValue | undefined, classes: readonly ClassValue[]): ClassValue {
  // Does not rely on the order of the probabilities, because that order is what is being checked.
  const [lesser, greater] = sortedClasses(classes);
  if (given === undefined) return greater ?? lesser ?? 1;
  const known = classes.find((value) => classKey(value) === classKey(given));
  if (known !== undefined) return known;
  throw new PerennialError(
    'invalid-configuration',
    `build.positive is ${JSON.stringify(given)}, but the classes of the target are ${classes.map(String).join(' and ')}; set build.positive to one of them`,
    { positive: String(given) },
  );
}

/** Places of class keys, in the order in which they were first seen. */
class Keys {
  readonly places = new Map<string, number>();

  placeOf(key: string): number {
    const known = this.places.get(key);
    if (known !== undefined) return known;
    this.places.set(key, this.places.size);
    return this.places.size - 1;
  }
}

class MulticlassRows implements SampleBuilder {
  /** Names of the known classes by key. */
  readonly #names: ReadonlyMap<string, string>;
  /** Keys of the classes whose probabilities are collected: the known classes, then the others. */
  readonly #keys: readonly string[];
  readonly #inTruth = new Keys();
  readonly #inAnswers = new Keys();
  readonly #truth: Int32Array;
  readonly #decision: Int32Array;
  #shares: Float64Array | null;
  #rows = 0;

  constructor({ classes, others, withShares }: SampledClasses, rowsAtMost: number) {
    this.#names = new Map(classes.map((value) => [classKey(value), String(value)]));
    this.#keys = [...new Set([...this.#names.keys(), ...others.map(classKey)])];
    for (const key of this.#names.keys()) for (const keys of [this.#inTruth, this.#inAnswers]) keys.placeOf(key);
    this.#truth = new Int32Array(rowsAtMost);
    this.#decision = new Int32Array(rowsAtMost);
    this.#shares = withShares ? new Float64Array(rowsAtMost * this.#keys.length) : null;
  }

  add(truth: ClassValue, value: ClassValue, shareOf: ShareOf | null): void {
    const row = this.#rows;
    this.#truth[row] = this.#inTruth.placeOf(classKey(truth));
    this.#decision[row] = this.#inAnswers.placeOf(classKey(value));
    if (shareOf === null) this.#shares = null;
    else if (this.#shares !== null)
      for (const [place, key] of this.#keys.entries()) this.#shares[row * this.#keys.length + place] = shareOf(key);
    this.#rows += 1;
  }

  sample(): MulticlassSample {
    const truths = [...this.#inTruth.places.keys()];
    const answers = [...this.#inAnswers.places.keys()];
    const keys = [...new Set([...truths, ...answers])];
    return {
      task: 'multiclass',
      classes: keys.map((key) => this.#names.get(key) ?? key),
      truth: this.#truth.subarray(0, this.#rows),
      decision: replaced(this.#decision.subarray(0, this.#rows), answers, keys),
      probabilities: this.#sharesOf(keys),
    };
  }

  #sharesOf(keys: readonly string[]): Float64Array | null {
    const [given, width] = [this.#shares, this.#keys.length];
    if (given === null) return null;
    const places = keys.map((key) => this.#keys.indexOf(key));
    if (keys.length === width && places.every((place, at) => place === at))
      return given.subarray(0, this.#rows * width);
    const shares = new Float64Array(this.#rows * keys.length);
    for (let row = 0; row < this.#rows; row += 1)
      for (const [at, place] of places.entries())
        shares[row * keys.length + at] = place === -1 ? 0 : (given[row * width + place] ?? 0);
    return shares;
  }
}

/** Replaces places in `from` by the places of the same keys in `to`. */
function replaced(places: Int32Array, from: readonly string[], to: readonly string[]): Int32Array {
  const placeOf = Int32Array.from(from, (key) => to.indexOf(key));
  return placeOf.every((place, at) => place === at) ? places : places.map((place) => placeOf[place] ?? -1);
}
