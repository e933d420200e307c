import type { DataWarning } from '../../../contracts/data/data-warning.ts';
import { doubtfulTexts } from '../../../contracts/data/doubtful-texts.ts';
import type { Field } from './fields.ts';
import { columnsPerQuery, longRows } from '../comparing/long-form.ts';
import type { LockedDatabase } from '../process/locked-database.ts';
import { type TextClass, classNamed, classOfText, timeClasses } from './text-classes.ts';
import { identifier } from '../sql.ts';
import { countRows } from '../reading/source.ts';
import { messageOf } from './value-messages.ts';
import type { Warn } from './warn.ts';

/** Values of one class in a column. */
export interface SeenValues {
  readonly count: number;
  readonly example: string;
  /** For the class of missing-value words: at most ten of the words, the most frequent first. */
  readonly words: readonly string[];
}

export type SeenClasses = ReadonlyMap<TextClass, SeenValues>;

const sampleRows = 10_000;

/**
 * Warns of values in the text columns of `united` that prevent a column from being read as numbers, times or booleans,
 * or that are probably not meant as text. A column that is mostly free text gets no warning.
 */
export async function warnOfValues(database: LockedDatabase, fields: readonly Field[], warn: Warn): Promise<void> {
  const names = fields.flatMap(({ name, stored }) => (stored === 'VARCHAR' ? [name] : []));
  if (names.length === 0) return;
  const rows = await countRows(database, 'united');
  let looked = await classesOf(database, names, rows, rows > sampleRows ? sampleRows : undefined);
  if (rows > sampleRows) {
    const doubtful = names.filter((name) => isDoubtful(looked.get(name)));
    looked = await classesOf(database, doubtful, rows, undefined);
  }
  for (const [name, classes] of looked) for (const warning of warningsOf(name, classes)) warn(warning);
}

async function classesOf(
  database: LockedDatabase,
  names: readonly string[],
  rows: number,
  limit: number | undefined,
): Promise<ReadonlyMap<string, SeenClasses>> {
  const looked = new Map<string, SeenClasses>();
  const size = columnsPerQuery(limit ?? rows);
  for (let start = 0; start < names.length; start += size) {
    const slice = names.slice(start, start + size);
    const from =
      limit === undefined ? 'united' : `(SELECT ${slice.map(identifier).join(', ')} FROM united LIMIT ${limit})`;
    const found = await database.rows(
      `SELECT c, class, CASE class WHEN 'missing-word' THEN v END AS word, count(*) AS n, min(v) AS example
        FROM (SELECT c, v, ${classOfText('v')} AS class FROM ${longRows(from, slice)} WHERE v IS NOT NULL)
        GROUP BY c, class, word ORDER BY c, class, n DESC, word`,
    );
    for (const [at, name] of slice.entries()) looked.set(name, seenIn(found.filter(({ c }) => Number(c) === at)));
  }
  return looked;
}

function seenIn(rows: readonly Readonly<Record<string, unknown>>[]): SeenClasses {
  const seen = new Map<TextClass, SeenValues>();
  for (const row of rows) {
    const textClass = classNamed(row.class);
    const { count, example, words } = seen.get(textClass) ?? { count: 0, example: String(row.example), words: [] };
    const more = typeof row.word === 'string' && words.length < 10 ? [row.word] : [];
    seen.set(textClass, { count: count + Number(row.n), example, words: [...words, ...more] });
  }
  return seen;
}

function countOf(classes: SeenClasses, names: readonly TextClass[]): number {
  return names.reduce((sum, name) => sum + (classes.get(name)?.count ?? 0), 0);
}

/** Returns whether few of a column's values are free text. */
function isDoubtful(classes: SeenClasses | undefined): boolean {
  if (classes === undefined) return false;
  const text = countOf(classes, ['text']);
  const others = countOf(classes, [...classes.keys()]) - text - countOf(classes, ['missing-word']);
  return text === 0 ? others + countOf(classes, ['missing-word']) > 0 : others > text;
}

function warningsOf(column: string, classes: SeenClasses): readonly DataWarning[] {
  if (!isDoubtful(classes)) return [];
  const merged = withMixtures(withAmbiguousCommas(classes));
  const warnings = doubtfulTexts.flatMap((kind): DataWarning[] => {
    const seen = merged.get(kind);
    // A column that holds only words for true and false can be used as a category.
    const isGuess = kind === 'truth-word' && merged.size === 1;
    return seen === undefined ? [] : [warningOf(kind, column, seen, isGuess ? 'guess' : 'warning')];
  });
  // In a column of codes or phone numbers, some values look like numbers although all are text.
  const text = merged.get('text');
  const isStray = text !== undefined && text.count * 3 <= countOf(merged, ['number', ...timeClasses, 'truth']);
  return isStray ? [...warnings, warningOf('mixed-values', column, text, 'guess')] : warnings;
}

/**
 * Counts values such as "1,234" as decimal commas if the column also has values such as "1,25"; otherwise the comma
 * separates thousands.
 */
function withAmbiguousCommas(classes: SeenClasses): SeenClasses {
  const [commas, grouped] = [classes.get('decimal-comma'), classes.get('thousands-separator')];
  if (commas === undefined || grouped === undefined || !/^[+-]?\d{1,3},\d{3}$/.test(grouped.example)) return classes;
  const merged = new Map(classes);
  merged.delete('thousands-separator');
  return merged.set('decimal-comma', { ...commas, count: commas.count + grouped.count });
}

/**
 * Merges classes that each could be read as a type but together remain text: times of several forms, and booleans among
 * numbers.
 */
function withMixtures(classes: SeenClasses): SeenClasses {
  const merged = new Map(classes);
  const mix = (parts: readonly TextClass[], kind: 'time-spelling' | 'truth-word'): void => {
    const found = [...parts, kind].flatMap((part) => classes.get(part) ?? []);
    if (found.length < 2) return;
    for (const part of parts) merged.delete(part);
    const count = found.reduce((sum, seen) => sum + seen.count, 0);
    const rarest = found.reduce((least, seen) => (seen.count < least.count ? seen : least));
    merged.set(kind, { count, example: rarest.example, words: [] });
  };
  mix(timeClasses, 'time-spelling');
  if (classes.has('number') && classes.has('truth')) {
    const truth = classes.get('truth-word');
    const values = classes.get('truth') ?? truth;
    if (values !== undefined) merged.set('truth-word', { ...values, count: values.count + (truth?.count ?? 0) });
  }
  return merged;
}

function warningOf(
  kind: (typeof doubtfulTexts)[number] | 'mixed-values',
  column: string,
  seen: SeenValues,
  level: DataWarning['level'],
): DataWarning {
  const message = messageOf(kind, column, seen);
  return { level, kind, column, count: seen.count, example: seen.example, message };
}
