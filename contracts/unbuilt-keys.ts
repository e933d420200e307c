import type { ConfigurationProblem, KeyPath } from './configuration-problem.ts';

/** What makes a row of the table apply, besides that the key is there. */
type Condition =
  | { readonly when: 'present' }
  /** The value is one of these. */
  | { readonly when: 'value'; readonly values: readonly (string | boolean)[] }
  /** The value is some text other than these. */
  | { readonly when: 'other-text'; readonly values: readonly string[] }
  | { readonly when: 'not-empty' }
  /** The key stands in the same mapping as this one. */
  | { readonly when: 'beside'; readonly key: string };

export type UnbuiltKey = Condition & {
  /** With dots; `*` stands for each item of a list. */
  readonly path: string;
  /** The way out, as the message ends. */
  readonly instead: string;
};

/**
 * The keys and values of perennial.yaml that are known and not built in this version. Each is refused as
 * `not-implemented`; a row goes when the schema in configuration.ts takes its key.
 */
export const unbuiltKeys: readonly UnbuiltKey[] = [
  { path: 'build.resources.queue', when: 'other-text', values: ['train'], instead: 'use train' },
];

/** Every place of `value` that a row of the table applies to. */
export function unbuiltIn(value: unknown): ConfigurationProblem[] {
  return unbuiltKeys.flatMap((row) =>
    placesOf(value, row.path.split('.'), [])
      .filter((place) => applies(row, place))
      .map(({ path, value: given }) => ({
        path,
        message: `${naming(row, given)} not built in this version; ${row.instead}`,
      })),
  );
}

interface Place {
  readonly path: KeyPath;
  readonly value: unknown;
  readonly within: object;
}

function placesOf(value: unknown, steps: readonly string[], path: KeyPath): Place[] {
  const [step, ...rest] = steps;
  if (step === undefined || typeof value !== 'object' || value === null) return [];
  if (step === '*') {
    return Array.isArray(value) ? value.flatMap((item: unknown, index) => placesOf(item, rest, [...path, index])) : [];
  }
  if (!Object.hasOwn(value, step)) return [];
  const found: unknown = Object.entries(value).find(([key]) => key === step)?.[1];
  const place = [...path, step];
  return rest.length === 0 ? [{ path: place, value: found, within: value }] : placesOf(found, rest, place);
}

function applies(row: UnbuiltKey, { value, within }: Place): boolean {
  switch (row.when) {
    case 'present':
      return true;
    case 'value':
      return row.values.some((known) => known === value);
    case 'other-text':
      return typeof value === 'string' && !row.values.includes(value);
    case 'not-empty':
      return Array.isArray(value) && value.length > 0;
    case 'beside':
      return Object.hasOwn(within, row.key);
  }
}

/** The row's condition in words, to stand before "not built". */
function naming(row: UnbuiltKey, given: unknown): string {
  switch (row.when) {
    case 'value':
    case 'other-text':
      return `${JSON.stringify(given).slice(0, 100)} is known and`;
    case 'beside':
      return `together with ${row.key} is known and`;
    default:
      return 'is known and';
  }
}
