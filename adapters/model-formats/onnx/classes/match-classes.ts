import { classKey } from '../../../../contracts/models/classes.ts';
import type { ClassValue } from '../../../../contracts/models/signature.ts';

/** Returns the index of a label among the classes, or undefined. */
export type PlaceOf = (label: ClassValue) => number | undefined;

/**
 * Finds a model's label among the classes even if it is spelled differently: `"1"`, `1.0` and `true` for 1,
 * `"True"` for true, and the 32-bit float that is nearest to 0.1 for 0.1. Nothing else is a match.
 */
export function placesByValue(classes: readonly ClassValue[]): PlaceOf {
  const places = new Map<string, number>();
  const spellings = [
    (value: ClassValue) => [classKey(value)],
    (value: ClassValue) => (typeof value === 'boolean' ? [String(value), value ? 'True' : 'False'] : []),
    (value: ClassValue) => (typeof value === 'number' ? [classKey(Math.fround(value))] : []),
  ];
  // An exact spelling of any class takes precedence over a rounded one.
  for (const spell of spellings)
    for (const [place, value] of classes.entries())
      for (const key of spell(value)) if (!places.has(key)) places.set(key, place);
  return (label) => places.get(classKey(label)) ?? places.get(wholeNumber(label));
}

/** Turns `"1.0"`, Python's spelling of a whole float, into `"1"`. */
function wholeNumber(label: ClassValue): string {
  return typeof label === 'string' && /^-?\d{1,15}\.0+$/.test(label) ? classKey(Number(label)) : '';
}

/** Reads whole numbers from 0, and booleans, as indices into `build.classes`. */
export function placesByNumber(classes: number): PlaceOf {
  return (label) => {
    const place = typeof label === 'string' ? Number.NaN : Number(label);
    return Number.isInteger(place) && place >= 0 && place < classes ? place : undefined;
  };
}

/** Formats classes as a YAML value for `build.classes`. */
export function yamlList(classes: readonly ClassValue[]): string {
  const shown = classes.slice(0, mostShown).map((value) => {
    if (typeof value !== 'string') return String(value);
    const isPlain =
      /^[\p{L}_][\p{L}\p{N}_ .+/-]{0,59}$/u.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value);
    return isPlain && value.trim() === value ? value : JSON.stringify(value.slice(0, 60));
  });
  return `[${shown.join(', ')}${classes.length > mostShown ? ', …' : ''}]`;
}

const mostShown = 20;

/** Formats classes for a sentence. */
export function listedClasses(classes: readonly ClassValue[]): string {
  const shown = classes.slice(0, 10).map((value) => String(value).slice(0, 60));
  return classes.length > 10 ? `${shown.join(', ')} and ${classes.length - 10} more` : shown.join(', ');
}
