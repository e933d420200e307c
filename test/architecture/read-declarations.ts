import { parseSync } from 'oxc-parser';

export interface Declarations {
  /**
   * Exported names of functions, constants, classes and types that this file declares itself; re-exports are left out.
   */
  readonly exported: ReadonlySet<string>;
  /** Length in lines of every function, method and arrow function. */
  readonly functions: readonly { readonly line: number; readonly lines: number }[];
  readonly lines: number;
}

/** Reads the declarations of a TypeScript or JavaScript source. Throws if the source does not parse. */
export function readDeclarations(path: string, source: string): Declarations {
  const { module, program, errors } = parseSync(path, source);
  if (errors[0]) throw new Error(`${path} does not parse: ${errors[0].message}`);
  const ends = [...source.matchAll(/\n/g)].map(({ index }) => index);
  const lineAt = (offset: number): number => 1 + countBelow(ends, offset);

  const exported = module.staticExports
    .flatMap(({ entries }) => entries)
    .filter(({ moduleRequest, localName }) => moduleRequest === null && localName.name !== null)
    .map(({ localName }) => localName.name ?? '');
  const functions: { line: number; lines: number }[] = [];
  visit(program, (node) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(String(node['type']))) return;
    const line = lineAt(Number(node['start']));
    functions.push({ line, lines: 1 + lineAt(Number(node['end'])) - line });
  });
  return { exported: new Set(exported), functions, lines: ends.length };
}

function countBelow(ascending: readonly number[], limit: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function visit(node: unknown, each: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const part of node) visit(part, each);
    return;
  }
  const record = node as Readonly<Record<string, unknown>>;
  if (typeof record['type'] === 'string') each(record);
  for (const part of Object.values(record)) visit(part, each);
}
