import { globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { environmentReaders, everyonesAdapter, importedByNobody, type ImportRow } from './import-law.ts';
import { readSource, type ImportStatement, type SourceFacts } from './read-imports.ts';

/** Maps the path of each source file, with slashes, to the imports and other facts read from it. */
export type SourceTree = ReadonlyMap<string, SourceFacts>;

export function readTree(root: string): SourceTree {
  const paths = globSync('**/*.{ts,mts,cts,js,mjs,cjs}', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|coverage|\.[^/]+|fixtures)$/.test(path),
  });
  return new Map(paths.toSorted().map((path) => [path, readSource(path, readFileSync(join(root, path), 'utf8'))]));
}

export interface LawReport {
  /** One sentence each: `file:line` and what is wrong. */
  readonly violations: readonly string[];
  /** Permissions of the law that no import uses. */
  readonly stale: readonly string[];
}

/** Checks every import of the tree against the law. */
export function checkImports(tree: SourceTree, law: readonly ImportRow[]): LawReport {
  const violations: string[] = [];
  const used = new Set<string>();
  for (const [path, facts] of tree) {
    const rows = law.filter(({ room }) => (room.endsWith('/') ? path.startsWith(room) : path === room));
    if (rows.length === 0) violations.push(`${path}:1 belongs to no room of the law`);
    for (const statement of facts.imports) {
      const target = targetOf(path, statement.specifier);
      const where = `${path}:${statement.line}`;
      const apart = rows.find((row) => row.siblingsApart === true && isSibling(row.room, path, target));
      if (apart) violations.push(`${where} imports ${target}: the folders of ${apart.room} do not know each other`);
      else if (!isPermitted(path, target, statement, rows, used)) {
        violations.push(
          `${where} imports ${target}${statement.typeOnly ? '' : ' at run time'}, which ${rows.at(-1)?.room ?? 'it'} may not`,
        );
      }
    }
    if (!mayReadEnvironment(path)) {
      for (const line of facts.environmentReads)
        violations.push(`${path}:${line} reads the environment; only the mains do`);
    }
  }
  const stale = law.flatMap(({ room, may }) =>
    may === 'anything'
      ? []
      : may.map((permission) => `${room} may import ${permission}`).filter((entry) => !used.has(entry)),
  );
  return { violations, stale };
}

/**
 * Returns every file that is loaded when `entry` is loaded, with the packages and Node modules that the file imports.
 */
export function loadedFrom(tree: SourceTree, entry: string): ReadonlyMap<string, readonly string[]> {
  const loaded = new Map<string, readonly string[]>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (loaded.has(path)) continue;
    const targets = (tree.get(path)?.imports ?? [])
      .filter(({ typeOnly }) => !typeOnly)
      .map(({ specifier }) => targetOf(path ?? '', specifier));
    loaded.set(
      path,
      targets.filter((target) => !tree.has(target)),
    );
    waiting.push(...targets.filter((target) => tree.has(target)));
  }
  return loaded;
}

/** Returns a path within the tree, a package name, or `node:…`. */
function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier);
  if (specifier.startsWith('node:') || specifier.startsWith('(')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function isPermitted(
  path: string,
  target: string,
  statement: ImportStatement,
  rows: readonly ImportRow[],
  used: Set<string>,
): boolean {
  const closed = importedByNobody.find((room) => target.startsWith(room));
  if (closed !== undefined && !path.startsWith(closed) && !path.startsWith('test/')) return false;
  let permitted = rows.some(
    ({ room, may }) => may === 'anything' || (room.endsWith('/') && target.startsWith(`${path.split('/')[0] ?? ''}/`)),
  );
  for (const { room, may } of rows) {
    if (may === 'anything') continue;
    for (const permission of may) {
      if (!covers(permission, target, statement.typeOnly)) continue;
      used.add(`${room} may import ${permission}`);
      permitted = true;
    }
  }
  return permitted;
}

function covers(permission: string, target: string, typeOnly: boolean): boolean {
  const [name = ''] = permission.split(' ');
  if (permission.endsWith('(types)') && !typeOnly) return false;
  return name.endsWith('/') || name === 'node:' ? target.startsWith(name) : target === name;
}

/** Excludes the sandbox: every adapter starts its processes through the sandbox, so all of them may import it. */
function isSibling(room: string, path: string, target: string): boolean {
  const folderOf = (file: string): string => file.slice(room.length).split('/')[0] ?? '';
  const isApart = path.startsWith(room) && target.startsWith(room) && folderOf(path) !== folderOf(target);
  return isApart && !target.startsWith(everyonesAdapter);
}

function mayReadEnvironment(path: string): boolean {
  return environmentReaders.some((reader) =>
    typeof reader === 'string' ? path.startsWith(reader) : reader.test(path),
  );
}
