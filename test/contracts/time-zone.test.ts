import { describe, expect, test } from 'vitest';
import { parseConfigurationFile } from '../../contracts/configuration/configuration-file.ts';
import { canonicalTimeZone, timeZoneProblem } from '../../contracts/time/time-zone.ts';
import { exampleFile } from './example.ts';

test('every zone that the runtime lists is accepted under its own name', () => {
  const listed = Intl.supportedValuesOf('timeZone');
  expect(listed.length).toBeGreaterThan(400);
  expect(listed.filter((zone) => canonicalTimeZone(zone) !== zone)).toEqual([]);
});

test.each([
  ['Asia/Kolkata', 'Asia/Calcutta'],
  ['Europe/Kyiv', 'Europe/Kiev'],
  ['America/Argentina/Buenos_Aires', 'America/Buenos_Aires'],
  ['Etc/UTC', 'UTC'],
  ['GMT', 'UTC'],
  ['Zulu', 'UTC'],
  ['US/Eastern', 'America/New_York'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
  ['America/Indiana/Indianapolis', 'America/Indianapolis'],
  ['GB-Eire', 'Europe/London'],
  ['europe/berlin', 'Europe/Berlin'],
  ['utc', 'UTC'],
])('%s is another name of a zone', (zone, canonical) => {
  expect(canonicalTimeZone(zone)).toBe(canonical);
  expect(timeZoneProblem(zone)).toBeUndefined();
});

describe('an invalid zone is refused with the way out', () => {
  test.each([
    ['+02:00', 'is an offset and not a time zone; use a zone such as Europe/Berlin, or Etc/GMT-2'],
    ['UTC-5', 'or Etc/GMT+5 for this offset all year'],
    ['+05:30', 'is an offset and not a time zone; use a zone such as Europe/Berlin'],
    ['BST', 'is an abbreviation'],
    ['IST', 'is an abbreviation'],
    ['Z', 'is an abbreviation'],
    ['Asia/Kolkatta', 'did you mean Asia/Kolkata?'],
    ['Europe/Kyev', 'did you mean Europe/Kyiv?'],
    ['Berlin', 'did you mean Europe/Berlin?'],
    ['New York', 'did you mean America/New_York?'],
    ['Mars/Olympus', 'is not a time zone of the IANA database; use one such as Europe/Berlin or UTC'],
    ['SystemV/EST5', 'is not a time zone of the IANA database; use one'],
    ['', 'is not a time zone of the IANA database; use one'],
  ])('%j', (zone, message) => {
    expect(timeZoneProblem(zone)).toContain(message);
  });

  test('by the configuration too, with the key', () => {
    const text = exampleFile.replace('timezone: America/New_York', 'timezone: Europe/Berln');
    expect(() => parseConfigurationFile(text)).toThrow(
      /data\.timezone.*"Europe\/Berln" is not a time zone of the IANA database; did you mean Europe\/Berlin\?/,
    );
  });
});
