import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseConfigurationFile } from '../../contracts/configuration-file.ts';
import { Configuration } from '../../contracts/configuration.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { unbuiltKeys } from '../../contracts/unbuilt-keys.ts';
import { exampleFile } from './example.ts';

/** What a user would write for a row of the table, by its path; the text of the example that it takes the place of. */
const written: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'build.resources.queue': [
    ['queue: train,', 'queue: train-gpu,'],
    ['queue: train,', 'queue: mine,'],
  ],
};

const cases = unbuiltKeys.flatMap((row) =>
  (written[row.path] ?? [['no example', '']]).map(([text, replacement]) => [row.path, text, replacement] as const),
);

function refusal(parsing: () => unknown): PerennialError {
  try {
    parsing();
  } catch (caught) {
    return caught as PerennialError;
  }
  throw new Error('it was accepted');
}

test.each(cases)('%s is known and not built: its key and line are named (%s → %s)', (path, text, replacement) => {
  expect(exampleFile.split(text)).toHaveLength(2);
  const file = exampleFile.replace(text, replacement);
  const error = refusal(() => parseConfigurationFile(file));
  expect(error).toBeInstanceOf(PerennialError);
  expect(error.code).toBe('not-implemented');
  expect(error.status).toBe(501);
  const pointer = new RegExp(`^/${path.replaceAll('.', '/').replace('*', '\\d+')}$`);
  expect(error.fields['pointer']).toMatch(pointer);
  const leaf = path.split('.').at(-1)!;
  const line = file.split('\n')[Number(error.fields['line']) - 1];
  expect(line).toContain(leaf);
  expect(error.message).toContain(`(line ${Number(error.fields['line'])})`);
  expect(error.message).toContain('not built in this version; ');
});

test.each(cases)(
  '%s is not in the schema either: a row goes when its key is built (%s → %s)',
  (_, text, replacement) => {
    expect(Configuration.safeParse(parse(exampleFile.replace(text, replacement))).success).toBe(false);
  },
);

test('every row has an example here, and every example a row', () => {
  expect(Object.keys(written).toSorted()).toEqual(unbuiltKeys.map(({ path }) => path).toSorted());
});

test('an empty list of connections to notify asks for nothing', () => {
  expect(parseConfigurationFile(exampleFile).monitor.notify).toEqual([]);
});
