import type { DataWarning } from './data-warning.ts';

/** Number of columns per kind of warning that get their own entry. Further columns are combined into one entry. */
const columnsNamed = 10;
const entriesAtMost = 200;
/** The list is part of a run's outcome and therefore of workflow histories, whose payloads are limited. */
const charactersAtMost = 24_000;
const exampleLength = 100;
const messageLength = 1_000;

/**
 * Returns the list that is stored: warnings before guesses, one combined entry for the further columns of a kind, and a
 * bounded length.
 */
export function boundedWarnings(warnings: readonly DataWarning[]): DataWarning[] {
  const ordered = [...warnings.filter(isWarning), ...warnings.filter((entry) => !isWarning(entry))];
  const grouped = groupColumns(ordered).map(shortened);
  const kept: DataWarning[] = [];
  let characters = 0;
  for (const entry of grouped) {
    characters += JSON.stringify(entry).length;
    if (kept.length === entriesAtMost - 1 || characters > charactersAtMost) break;
    kept.push(entry);
  }
  const left = grouped.slice(kept.length);
  return left.length === 0 ? kept : [...kept, remainder(left)];
}

function isWarning({ level }: DataWarning): boolean {
  return level === 'warning';
}

function groupColumns(warnings: readonly DataWarning[]): DataWarning[] {
  const ofKind = Map.groupBy(warnings, ({ level, kind, column }) => `${level} ${kind} ${column === null}`);
  return [...ofKind.values()].flatMap((entries) => {
    const further = entries.slice(columnsNamed);
    return further.length < 2 ? entries : [...entries.slice(0, columnsNamed), together(further)];
  });
}

function together(entries: readonly DataWarning[]): DataWarning {
  const { level, kind, example } = entries[0] ?? remainder([]);
  const count = entries.reduce((sum, entry) => sum + entry.count, 0);
  const names = entries.slice(0, columnsNamed).map(({ column, message }) => column ?? message);
  const more = entries.length > columnsNamed ? ', …' : '';
  const what = entries.every(({ column }) => column === null) ? 'entries' : 'columns';
  const message = `${entries.length} further ${what} of the kind ${kind} (${count} in total): ${names.map((name) => shortText(name, 60)).join(', ')}${more}`;
  return { level, kind, column: null, count, example, message };
}

function remainder(left: readonly DataWarning[]): DataWarning {
  const level = left.some(isWarning) ? 'warning' : 'guess';
  const message = `${left.length} further warnings and guesses are not listed; correct the listed ones first`;
  return { level, kind: 'more', column: null, count: left.length, example: null, message };
}

function shortened(entry: DataWarning): DataWarning {
  const example = entry.example === null ? null : shortText(entry.example, exampleLength);
  return { ...entry, example, message: shortText(entry.message, messageLength) };
}

function shortText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).toWellFormed()}…`;
}
