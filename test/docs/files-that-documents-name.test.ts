import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { documents, root } from './documents.ts';

/** The changelog and the decision records may name files that no longer exist. */
const isHistory = (path: string): boolean => path === 'CHANGELOG.md' || path.startsWith('docs/adr/');

/** Paths of all source files. */
const sources = globSync('**/*.{ts,mts,mjs,sql,py}', {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|\.[^/]+)$/.test(path),
});
const known = new Set(sources.flatMap((path) => [path, basename(path), path.split('/').slice(-2).join('/')]));

/** Names of files that users write. */
const ofUsers = /^(train|predict|make-holdout|[a-z_]*check|conftest)\.py$/;

test('every source that a document names exists', () => {
  const named = [...documents()]
    .filter(([path]) => !isHistory(path))
    .flatMap(([path, text]) =>
      [...text.matchAll(/`((?:\.\.\/)*[\w./-]+\.(?:ts|mts|mjs|sql|py))`/g)].map(([, name = '']) => ({ path, name })),
    );
  expect(named.length).toBeGreaterThan(100);
  const missing = named.filter(({ name }) => {
    const bare = name.replace(/^(\.\.\/|\.\/)+/, '');
    return !known.has(bare) && !ofUsers.test(basename(bare));
  });
  expect(missing.map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});
