import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

/** Returns the text of every Markdown file in the repository, by path. */
export function documents(): ReadonlyMap<string, string> {
  const paths = globSync('**/*.md', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|coverage|\.[^/]+)$/.test(path),
  });
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(root, path), 'utf8')]));
}
