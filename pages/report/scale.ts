/** Returns a linear scale from values to pixels. */
export function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]) {
  const width = to - from;
  return (value: number): number =>
    width === 0 ? (start + end) / 2 : start + ((value - from) / width) * (end - start);
}

/** Returns about `wanted` round numbers for the ticks of an axis. */
export function ticks(from: number, to: number, wanted = 5): number[] {
  const rough = (to - from) / wanted;
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((times) => times * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step);
  const count = Math.floor(to / step) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/** Rounds to a tenth of a pixel, to keep pages small. */
export function pixel(value: number): number {
  return Math.round(value * 10) / 10;
}
