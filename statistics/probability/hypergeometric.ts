import { stirlingError } from './saddle-point.ts';

/** Draws a number from [0, 1). */
export type Uniform = () => number;

/** Up to this number, rows are drawn one by one, which costs less than one draw from the distribution. */
const fewRows = 12;

/**
 * Draws from the hypergeometric distribution: the number of marked rows among `sample` rows drawn without replacement
 * from `marked + others` rows.
 *
 * Source: Stadlober, "Ratio of uniforms as a convenient method for sampling from classical discrete distributions"
 * (1989), as in NumPy's `hypergeometric`.
 */
export function drawHypergeometric(marked: number, others: number, sample: number, uniform: Uniform): number {
  const all = marked + others;
  // By symmetry, the smaller of sample and remainder is drawn, and the smaller class is counted; the result is then
  // converted back.
  const drawn = Math.min(sample, all - sample);
  const fewer = Math.min(marked, others);
  const hits =
    Math.min(drawn, fewer) <= fewRows ? oneByOne(fewer, drawn, all, uniform) : byRatio(fewer, drawn, all, uniform);
  const ofMarked = marked <= others ? hits : drawn - hits;
  return drawn === sample ? ofMarked : marked - ofMarked;
}

/** Draws the smaller of `a` and `b` row by row and counts hits in the larger; the distribution is symmetric in both. */
function oneByOne(a: number, b: number, all: number, uniform: Uniform): number {
  const draws = Math.min(a, b);
  let [left, hits] = [Math.max(a, b), 0];
  for (let draw = 0; draw < draws; draw += 1)
    if (uniform() * (all - draw) < left) {
      left -= 1;
      hits += 1;
    }
  return hits;
}

const [hatWidth, hatOffset] = [1.7155277699214135, 0.8989161620588988];

function byRatio(fewer: number, drawn: number, all: number, uniform: Uniform): number {
  const more = all - fewer;
  const chance = fewer / all;
  const centre = drawn * chance + 0.5;
  const deviation = Math.sqrt(((all - drawn) * drawn * chance * (1 - chance)) / (all - 1) + 0.5);
  const width = hatWidth * deviation + hatOffset;
  const logWeight = (hits: number): number =>
    logFactorial(hits) + logFactorial(fewer - hits) + logFactorial(drawn - hits) + logFactorial(more - drawn + hits);
  const atMode = logWeight(Math.floor(((drawn + 1) * (fewer + 1)) / (all + 2)));
  const end = Math.min(Math.min(drawn, fewer) + 1, Math.floor(centre + 16 * deviation));
  for (;;) {
    const u = uniform();
    const x = centre + (width * (uniform() - 0.5)) / u;
    if (!(x >= 0 && x < end)) continue;
    const hits = Math.floor(x);
    const height = atMode - logWeight(hits);
    if (u * (4 - u) - 3 <= height) return hits;
    if (u * (u - height) < 1 && 2 * Math.log(u) <= height) return hits;
  }
}

const logFactorials = Float64Array.from({ length: 1 << 16 }, (_, n) => logFactorialOf(n));

function logFactorial(n: number): number {
  return logFactorials[n] ?? logFactorialOf(n);
}

function logFactorialOf(n: number): number {
  return n < 2 ? 0 : stirlingError(n) + n * (Math.log(n) - 1) + Math.log(2 * Math.PI * n) / 2;
}
