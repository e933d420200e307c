import { z } from 'zod';
import { editDistance, nearestKey } from '../configuration/nearest-key.ts';

/**
 * The names in the IANA database that have no area. Other short names that the runtime accepts are excluded, because
 * they are ambiguous: for ICU, BST is Bangladesh and IST is India.
 */
const shortNames = `
  CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST Hongkong
  Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo PRC PST8PDT
  Poland Portugal ROC ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu
`
  .trim()
  .split(/\s+/);

/** Current names that the runtime lists only under an older name. They are used for suggestions only. */
const newerNames = `
  Africa/Asmara America/Argentina/Buenos_Aires America/Argentina/Cordoba America/Atikokan
  America/Indiana/Indianapolis America/Kentucky/Louisville America/Nuuk Asia/Ho_Chi_Minh
  Asia/Kathmandu Asia/Kolkata Asia/Yangon Atlantic/Faroe Etc/UTC Europe/Kyiv Pacific/Kanton
`
  .trim()
  .split(/\s+/);

const isShortName = new Set(shortNames.map((name) => name.toLowerCase()));
const longestName = 100;

/**
 * Returns the name of a time zone in the form that the runtime, DuckDB and Temporal all accept, or `undefined` if there
 * is no such zone. Letter case is ignored, as it is by the runtime.
 */
export function canonicalTimeZone(name: string): string | undefined {
  const isNamed = /^[a-z]+\//i.test(name) ? !/^systemv\//i.test(name) : isShortName.has(name.toLowerCase());
  if (!isNamed || name.length > longestName) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    // The runtime throws a RangeError for a zone that it does not know.
    return undefined;
  }
}

/** Returns why a text is not a time zone and which zone may be meant, or `undefined` if it is a time zone. */
export function timeZoneProblem(name: string): string | undefined {
  if (canonicalTimeZone(name) !== undefined) return undefined;
  const quoted = JSON.stringify(name.slice(0, longestName));
  const [, sign, hours = '', minutes = ''] = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(name) ?? [];
  if (sign !== undefined) {
    const isWhole = Number(minutes) === 0 && Number(hours) <= (sign === '+' ? 14 : 12);
    const fixed = `Etc/GMT${sign === '+' ? '-' : '+'}${Number(hours)}`;
    return `${quoted} is an offset and not a time zone; use a zone such as Europe/Berlin${isWhole ? `, or ${fixed} for this offset all year (its sign is reversed)` : ''}`;
  }
  if (/^[a-z]{1,5}$/i.test(name))
    return `${quoted} is an abbreviation and not the name of a time zone; use a zone such as Europe/London or America/New_York`;
  const meant = nearestZone(name);
  return `${quoted} is not a time zone of the IANA database; ${meant === undefined ? 'use one such as Europe/Berlin or UTC' : `did you mean ${meant}?`}`;
}

/** A name with more than one edit per three letters is not suggested. */
const lettersPerEdit = 3;

function nearestZone(name: string): string | undefined {
  const known = [...newerNames, ...Intl.supportedValuesOf('timeZone'), ...shortNames];
  const place = `/${name.toLowerCase().replaceAll(' ', '_')}`;
  const samePlace = known.find((zone) => zone.toLowerCase().endsWith(place));
  if (samePlace !== undefined) return samePlace;
  const nearest = nearestKey(name, known);
  if (nearest === undefined) return undefined;
  const edits = editDistance(name.toLowerCase(), nearest.toLowerCase());
  return edits * lettersPerEdit <= name.length ? nearest : undefined;
}

/** A time zone in a configuration. The user's own spelling is kept. */
export const TimeZone = z.string().superRefine((name, context) => {
  const message = timeZoneProblem(name);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
