/** Draws an integer from 0 to `below − 1`, each equally likely. `below` is at most 2^32. */
type RandomInteger = (below: number) => number;

const two32 = 2 ** 32;

/**
 * Returns a generator of random integers that gives the same numbers for the same seed on every machine. It is
 * xoshiro128** (Blackman and Vigna, 2018); SplitMix64 derives its state from the seed, as its authors advise.
 *
 * @param seed an integer from 0 to 2^53 − 1.
 */
export function seededRandom(seed: number): RandomInteger {
  const next = xoshiro128(splitMix64(BigInt(seed)));
  return (below) => {
    // Numbers at or above the largest multiple of `below` are skipped, because they would favour the small results.
    const limit = two32 - (two32 % below);
    let drawn = next();
    while (drawn >= limit) drawn = next();
    return drawn % below;
  };
}

/** Returns a generator of numbers from [0, 1) in steps of 2^−32, seeded as in `seededRandom`. */
export function seededUniform(seed: number): () => number {
  const next = xoshiro128(splitMix64(BigInt(seed)));
  return () => next() / two32;
}

/** Returns a generator of integers from 0 to 2^32 − 1. The state must not be all zeros. */
function xoshiro128(state: readonly [number, number, number, number]): () => number {
  let [s0, s1, s2, s3] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotateLeft(s3, 11);
    return result;
  };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** Returns the first two outputs of SplitMix64 as four 32-bit words, low halves first. */
function splitMix64(seed: bigint): [number, number, number, number] {
  const words: number[] = [];
  let state = BigInt.asUintN(64, seed);
  for (let i = 0; i < 2; i += 1) {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    z ^= z >> 31n;
    words.push(Number(BigInt.asUintN(32, z)), Number(z >> 32n));
  }
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return [a, b, c, d];
}
