import { classKey } from '../models/classes.ts';
import type { ClassValue } from '../models/signature.ts';

/** The accepted labels: numbers, the known classes, or any value if no version of the model has known classes. */
export type LabelTarget =
  | { readonly kind: 'number' }
  | { readonly kind: 'class'; readonly classes: readonly ClassValue[] }
  | { readonly kind: 'any' };

export type LabelReading = { readonly value: ClassValue } | { readonly refused: string };

/**
 * Labels and predictions with a larger absolute value are excluded from regression metrics. Up to this limit, the sum
 * of squared errors is finite for forty million rows.
 */
export const largestMeasured = 1e150;

/** Returns whether regression metrics can be computed with a number as label or prediction. */
export function isMeasurable(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= largestMeasured;
}

/**
 * Converts a label to the type of the target, or returns why it is refused. Texts are converted too, because CSV has
 * only texts.
 */
export function readLabelValue(target: LabelTarget, given: ClassValue | null): LabelReading {
  if (given === null || (typeof given === 'string' && given.trim() === ''))
    return { refused: 'the label has no value' };
  if (target.kind === 'number') return readNumber(given);
  if (target.kind === 'any') return typeof given === 'number' ? readNumber(given) : { value: given };
  const value = classOf(target.classes, given);
  if (value !== undefined) return { value };
  return { refused: `${shown(given)} is not one of the classes, which are ${listed(target.classes)}` };
}

/** Returns a value as text for messages; long texts are truncated. */
export function shown(value: ClassValue): string {
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

const numberText = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function readNumber(given: ClassValue): LabelReading {
  const value = typeof given === 'string' && numberText.test(given.trim()) ? Number(given) : given;
  if (isMeasurable(value)) return { value };
  if (typeof value === 'number' && !Number.isNaN(value))
    return { refused: `${shown(value)} is beyond ±${largestMeasured}, so no metric can be computed with it` };
  const comma = typeof given === 'string' && numberText.test(given.trim().replace(',', '.'));
  return {
    refused: `${shown(given)} is not a number, but the labels of a regression are numbers${comma ? '; write the decimal point as "."' : ''}`,
  };
}

/**
 * Finds the class that is identical, or else the class with the same value in another notation: `1`, `1.0`, `TRUE` and
 * `"1"` all match true or 1.
 */
function classOf(classes: readonly ClassValue[], given: ClassValue): ClassValue | undefined {
  const same = classes.find((value) => value === given);
  if (same !== undefined) return same;
  const text = String(given).trim();
  const word = classes.find((value) => value === text);
  if (word !== undefined) return word;
  const equal = classes.find((value) => typeof value !== 'string' && spells(value, text));
  if (equal !== undefined) return equal;
  // A boolean in JSON or CSV can match a class that is a text such as "True" or "False".
  const spelled = classes.filter((value) => typeof value === 'string' && value.toLowerCase() === text.toLowerCase());
  return spelled.length === 1 ? spelled[0] : undefined;
}

const truthWords = new Map([
  ...['true', 't', 'yes', 'y'].map((word) => [word, true] as const),
  ...['false', 'f', 'no', 'n'].map((word) => [word, false] as const),
]);

/**
 * Returns whether a text is a notation of the number or boolean. Words such as yes and no count only for booleans, and
 * are the words that ingestion accepts.
 */
function spells(value: number | boolean, text: string): boolean {
  if (numberText.test(text)) return classKey(Number(text)) === classKey(value);
  const word = text.toLowerCase();
  if (typeof value === 'number' && word !== 'true' && word !== 'false') return false;
  const truth = truthWords.get(word);
  return truth !== undefined && classKey(truth) === classKey(value);
}

const classesListed = 20;

function listed(classes: readonly ClassValue[]): string {
  const some = classes.slice(0, classesListed).map(shown).join(', ');
  return classes.length > classesListed ? `${some} and ${classes.length - classesListed} more` : some;
}
