import { basename, posix } from 'node:path';
import type { SourceTree } from './check-imports.ts';
import type { Declarations } from './read-declarations.ts';

/** Maps the path of each source file to its declarations. */
export type DeclaredTree = ReadonlyMap<string, Declarations>;

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|d))?\.(ts|mts|cts|mjs|cjs|js)$/;

/** Returns the files whose names are not kebab-case. */
export function namesNotInKebabCase(paths: readonly string[]): string[] {
  return paths.filter((path) => !kebabCase.test(basename(path)));
}

/** Returns the names that several files share, except for a port and its adapters, and for `main` and `index`. */
export function sharedFileNames(paths: readonly string[]): string[] {
  const places = groupBy(paths, (path) => basename(path));
  return [...places]
    .filter(([name]) => !/^(main|index)\./.test(name))
    .filter(([, files]) => files.length > 1 && !files.some((path) => path.startsWith('ports/')))
    .map(([name, files]) => `${name}: ${files.join(', ')}`);
}

/** Returns the exported names that more than one file declares. */
export function sharedExports(tree: DeclaredTree): string[] {
  const entries = [...tree].flatMap(([path, { exported }]) => [...exported].map((name) => ({ name, path })));
  return [...groupBy(entries, ({ name }) => name)]
    .filter(([, places]) => places.length > 1)
    .map(([name, places]) => `${name}: ${places.map(({ path }) => path).join(', ')}`);
}

/** Returns every import cycle, type imports included, as the files of the cycle in no particular order. */
export function circlesOf(tree: SourceTree): string[][] {
  const targets = new Map(
    [...tree].map(([path, { imports }]) => [
      path,
      imports.map(({ specifier }) => posix.join(posix.dirname(path), specifier)).filter((target) => tree.has(target)),
    ]),
  );
  return stronglyConnected(targets).filter((files) => files.length > 1);
}

/** Finds groups of nodes that reach each other, by Tarjan's algorithm. */
function stronglyConnected(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const groups: string[][] = [];
  const enter = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    stack.push(node);
    for (const target of targets.get(node) ?? []) {
      if (!order.has(target)) enter(target);
      if (stack.includes(target)) lowest.set(node, Math.min(lowest.get(node) ?? 0, lowest.get(target) ?? 0));
    }
    if (lowest.get(node) === order.get(node)) groups.push(stack.splice(stack.indexOf(node)));
  };
  for (const node of targets.keys()) if (!order.has(node)) enter(node);
  return groups;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
