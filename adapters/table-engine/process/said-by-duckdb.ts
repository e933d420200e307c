import { reasonOf } from '../../../contracts/errors.ts';

/**
 * Returns DuckDB's message of an error for people: its first line, without the kind of error and without folders of
 * this machine.
 */
export function saidByDuckDb(caught: unknown): string {
  const [first = ''] = reasonOf(caught).split('\n');
  return withoutFolders(first.replace(/^([A-Z][A-Za-z ]* Error: )+/, '')).trim();
}

/** Reduces paths in a message to names: `in file "/tmp/x/a.csv"` becomes `in file a.csv`. */
export function withoutFolders(said: string): string {
  return said.replaceAll(/\b(file|directory) (["'])\/(?:[^"']*\/)?([^"'/]*)\2/gi, '$1 $3');
}
