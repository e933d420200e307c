import type { SliceGate, ThresholdGate } from '../../../contracts/configuration/gates.ts';
import type { GateVerdict } from '../../../contracts/models/evaluation.ts';
import { metricsOf } from '../../../statistics/metrics/measure.ts';
import type { Sample } from '../../../statistics/metrics/sample.ts';

/**
 * Returns the `inconclusive` verdict for a metric that is undefined on these rows, for example an area under the curve
 * if all rows are of one class.
 */
export function undefinedOn(
  sample: Sample,
  { metric, max, min }: ThresholdGate | SliceGate,
  where: string,
): Pick<GateVerdict, 'verdict' | 'value' | 'threshold' | 'reason'> {
  const metrics = metricsOf(sample);
  const because = metrics.task === 'regression' ? undefined : metrics.undefined[metric];
  return {
    verdict: 'inconclusive',
    value: null,
    threshold: max ?? min ?? null,
    reason: `${metric} is not defined on ${where}: ${because ?? `the metric does not apply to task ${metrics.task}`}`,
  };
}

interface Bounds {
  readonly max?: number | undefined;
  readonly min?: number | undefined;
}

export function boundsInWords({ max, min }: Bounds): string[] {
  return [...(min === undefined ? [] : [`min ${min}`]), ...(max === undefined ? [] : [`max ${max}`])];
}

/** Returns the bound that decides, and a phrase that says how the value breaks it. */
export function compareWithBounds(
  { max, min }: Bounds,
  value: number,
): { threshold: number | null; breach: { value: string; bound: string } | undefined } {
  if (max !== undefined && value > max)
    return { threshold: max, breach: { value: apart(value, max), bound: `above ${max}` } };
  if (min !== undefined && value < min)
    return { threshold: min, breach: { value: apart(value, min), bound: `below ${min}` } };
  return { threshold: max ?? min ?? null, breach: undefined };
}

/** Formats the value with four digits, or with as many as are needed to distinguish it from the bound. */
function apart(value: number, bound: number): string {
  for (let digits = 4; digits < 17; digits += 1) {
    const text = value.toPrecision(digits);
    const rounded = Number(text);
    if (rounded > bound === value > bound && rounded < bound === value < bound)
      return text.includes('e') ? String(rounded) : text;
  }
  return String(value);
}
