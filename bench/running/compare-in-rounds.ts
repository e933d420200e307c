import type { BenchContext } from './bench-context.ts';
import type { Comparison, Ratio, RoundSample, RatioTarget } from './bench-measure.ts';

export interface Contestant {
  readonly name: string;
  once(): Promise<RoundSample>;
}

export interface WantedRatio {
  readonly name: string;
  readonly of: string;
  readonly over: string;
  /** Which quantity of the samples; `value` unless another is named. */
  readonly quantity?: 'value' | 'p50Ms' | 'p99Ms' | 'cpuUs';
  readonly target?: RatioTarget | undefined;
}

export interface WantedComparison {
  readonly name: string;
  readonly unit: string;
  readonly moreIsBetter: boolean;
  readonly contestants: readonly Contestant[];
  /** A ratio of contestants that did not take part is left out. */
  readonly ratios: readonly WantedRatio[];
}

/**
 * Runs the contestants one after the other, round by round, so that other work on the machine affects all of them alike.
 * Ratios are formed within each round. A round before the first warms everything up and does not count.
 */
export async function compareInRounds(
  bench: Pick<BenchContext, 'rounds' | 'say' | 'signal'>,
  wanted: WantedComparison,
): Promise<Comparison> {
  const { name, unit, moreIsBetter, contestants } = wanted;
  const samples: Record<string, RoundSample[]> = Object.fromEntries(contestants.map((each) => [each.name, []]));
  for (let round = 0; round <= bench.rounds; round += 1) {
    const said: string[] = [];
    for (const contestant of contestants) {
      bench.signal.throwIfAborted();
      const sample = await contestant.once();
      if (round > 0) samples[contestant.name]?.push(sample);
      said.push(`${contestant.name} ${threeDigits(sample.value)}`);
    }
    const which = round === 0 ? 'warming up' : `round ${round} of ${bench.rounds}`;
    bench.say(`  ${name}, ${which}: ${said.join(', ')} ${unit}`);
  }
  const ratios = wanted.ratios.flatMap((ratio) => ratioOf(samples, ratio) ?? []);
  for (const ratio of ratios) bench.say(`  ${ratio.name}: ${inWordsOf(ratio)}`);
  return { name, unit, moreIsBetter, samples, ratios };
}

/** Returns the ratio of two contestants, or undefined where one of them did not take part. */
export function ratioOf(
  samples: Readonly<Record<string, readonly RoundSample[]>>,
  { name, of, over, quantity = 'value', target }: WantedRatio,
): Ratio | undefined {
  const [above, below] = [samples[of], samples[over]];
  if (above === undefined || below === undefined) return undefined;
  const ratios = above.flatMap((sample, round) => {
    const [a, b] = [sample[quantity], below[round]?.[quantity]];
    return a === undefined || b === undefined || b === 0 ? [] : [a / b];
  });
  if (ratios.length === 0) return undefined;
  return { name, median: medianOf(ratios), min: Math.min(...ratios), max: Math.max(...ratios), target };
}

/** The middle value; of an even number of values, the mean of the two in the middle. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function inWordsOf({ median, min, max, target }: Ratio): string {
  const wanted =
    target === undefined
      ? ''
      : `; must be ${target.atMost === true ? '≤' : '≥'} ${target.must}${target.aim === undefined ? '' : `, aim ${target.aim}`}`;
  return `${threeDigits(median)} (${threeDigits(min)} to ${threeDigits(max)}${wanted})`;
}

/** Three significant digits; whole numbers from 100 on. */
export function threeDigits(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)));
}
