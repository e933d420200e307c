import { parseSync } from 'oxc-parser';

export interface ImportStatement {
  readonly line: number;
  /** The module as the import names it: `zod`, `node:fs`, `../ports/clock.ts`. */
  readonly specifier: string;
  /** True for `import type`, which is erased before the code runs. `import { type A }` still loads the module. */
  readonly typeOnly: boolean;
}

export interface SourceFacts {
  readonly imports: readonly ImportStatement[];
  /** Lines that read the environment of the process. */
  readonly environmentReads: readonly number[];
  /** String literals, templates and regular expressions, except for the module names in imports. */
  readonly texts: readonly { readonly line: number; readonly text: string }[];
  /** Lines that reach Node's modules or bindings without an import, and so could start a process. */
  readonly processStarts: readonly number[];
}

/**
 * Reads the imports, environment reads, texts and process starts of a TypeScript or JavaScript source. Throws if the
 * source does not parse.
 */
export function readSource(path: string, source: string): SourceFacts {
  const { module, program, errors } = parseSync(path, source);
  if (errors[0]) throw new Error(`${path} does not parse: ${errors[0].message}`);
  const lineAt = (offset: number): number => source.slice(0, offset).split('\n').length;
  const written = (start: number, end: number): string => source.slice(start, end);

  const imports: ImportStatement[] = module.staticImports.map((statement) => ({
    line: lineAt(statement.start),
    specifier: statement.moduleRequest.value,
    typeOnly: /^import\s+type\b/.test(written(statement.start, statement.end)),
  }));
  for (const statement of module.staticExports) {
    const from = statement.entries.find((entry) => entry.moduleRequest !== null)?.moduleRequest;
    if (!from) continue;
    const typeOnly = /^export\s+type\b/.test(written(statement.start, statement.end));
    imports.push({ line: lineAt(statement.start), specifier: from.value, typeOnly });
  }
  for (const { moduleRequest, start } of module.dynamicImports) {
    const text = written(moduleRequest.start, moduleRequest.end);
    imports.push({
      line: lineAt(start),
      specifier: /^['"`].*['"`]$/s.test(text) ? text.slice(1, -1) : '(computed)',
      typeOnly: false,
    });
  }
  const environmentReads: number[] = [];
  const texts: SourceFacts['texts'][number][] = [];
  const modules = new Set([
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.start),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.start ?? [])),
    ...module.dynamicImports.map(({ moduleRequest }) => moduleRequest.start),
  ]);
  const processStarts: number[] = [];
  visit(program, (node) => {
    if (node['type'] === 'TSImportType') {
      if (isNode(node['source'])) modules.add(offsetOf(node['source']));
      imports.push({
        line: lineAt(offsetOf(node)),
        specifier: literal(node['source']) ?? '(computed)',
        typeOnly: true,
      });
    }
    const text = textOf(node);
    if (text !== undefined && !modules.has(offsetOf(node))) texts.push({ line: lineAt(offsetOf(node)), text });
    if (readsEnvironment(node)) environmentReads.push(lineAt(offsetOf(node)));
    if (reachesBindings(node)) processStarts.push(lineAt(offsetOf(node)));
  });
  return { imports, environmentReads, texts, processStarts };
}

type Node = Readonly<Record<string, unknown>>;

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

function visit(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, look);
  else if (isNode(value)) {
    look(value);
    for (const child of Object.values(value)) visit(child, look);
  }
}

const offsetOf = (node: Node): number => Number(node['start'] ?? 0);

function literal(node: unknown): string | undefined {
  return isNode(node) && typeof node['value'] === 'string' ? node['value'] : undefined;
}

function textOf(node: Node): string | undefined {
  if (node['type'] === 'TemplateElement') return isNode(node['value']) ? String(node['value']['raw']) : undefined;
  if (node['type'] !== 'Literal') return undefined;
  return isNode(node['regex']) ? String(node['regex']['pattern']) : literal(node);
}

function isNamed(node: unknown, name: string): boolean {
  return isNode(node) && (node['name'] === name || node['value'] === name);
}

/**
 * Recognises `process.env`, `process['env']`, `globalThis.process.env`, `const { env } = process` and `import { env }
 * from 'node:process'`.
 */
function readsEnvironment(node: Node): boolean {
  if (node['type'] === 'MemberExpression') return isNamed(node['property'], 'env') && isProcess(node['object']);
  if (node['type'] === 'VariableDeclarator') return isProcess(node['init']) && destructuresEnv(node['id']);
  if (node['type'] === 'ImportDeclaration') {
    return /^(node:)?process$/.test(literal(node['source']) ?? '') && importsEnv(node['specifiers']);
  }
  return false;
}

const bindings = ['binding', '_linkedBinding', 'dlopen', 'getBuiltinModule'];

/**
 * Recognises `process.binding`, `process.getBuiltinModule`, and any call with the name of a process module as its
 * argument, such as `require` or `createRequire(…)`.
 */
function reachesBindings(node: Node): boolean {
  if (node['type'] === 'MemberExpression')
    return isProcess(node['object']) && bindings.some((name) => isNamed(node['property'], name));
  if (node['type'] !== 'CallExpression' || !Array.isArray(node['arguments'])) return false;
  return node['arguments'].some((argument: unknown) => /^(node:)?child_process$/.test(literal(argument) ?? ''));
}

function isProcess(node: unknown): boolean {
  if (!isNode(node)) return false;
  return isNamed(node, 'process') || (node['type'] === 'MemberExpression' && isNamed(node['property'], 'process'));
}

function destructuresEnv(node: unknown): boolean {
  if (!isNode(node) || !Array.isArray(node['properties'])) return false;
  return node['properties'].some(
    (property: unknown) => isNode(property) && (isNamed(property['key'], 'env') || property['type'] === 'RestElement'),
  );
}

function importsEnv(specifiers: unknown): boolean {
  if (!Array.isArray(specifiers)) return false;
  return specifiers.some((specifier: unknown) => isNode(specifier) && isNamed(specifier['imported'], 'env'));
}
