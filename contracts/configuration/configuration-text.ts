import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLMap } from 'yaml';
import type { KeyPath } from './configuration-problem.ts';
import { configurationError } from './configuration-problem.ts';
import { PerennialError, reasonOf } from '../errors.ts';

/** In UTF-8 bytes. No configuration written by a person comes near this size. */
export const maxConfigurationBytes = 1024 * 1024;
/** Limit on how often aliases may be expanded, including nested ones. */
const maxAliasCount = 100;

export interface ConfigurationText {
  readonly value: unknown;
  /** Returns the line number (from 1) of the key at `path`, or of its nearest ancestor that exists in the text. */
  lineOf(path: KeyPath): number;
}

type YamlDocument = Document.Parsed;

/**
 * Reads one YAML document; JSON is YAML too. Throws `too-large`, or `invalid-configuration` with the line number for
 * bad syntax, several documents, an empty file, a key given twice, tags, or too many aliases.
 */
export function readConfigurationText(text: string): ConfigurationText {
  const bytes = new TextEncoder().encode(text).byteLength;
  if (bytes > maxConfigurationBytes)
    throw new PerennialError(
      'too-large',
      `the configuration has ${bytes} bytes, and the limit is ${maxConfigurationBytes}; keep data out of it`,
      { bytes, limit: maxConfigurationBytes },
    );
  const lines = new LineCounter();
  const document = parseOne(text, lines);
  refuseSyntax(document, lines);
  const lineAt = (node: unknown): number => lines.linePos(offsetOf(node)).line;
  refuseRepeatedKeys(document, lineAt);
  return { value: valueOf(document), lineOf: (path) => lineAt(nodeAt(document, path)) };
}

/** Parses without resolving tags and with text keys only, so that the result contains only values that JSON has. */
function parseOne(text: string, lineCounter: LineCounter): YamlDocument {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      resolveKnownTags: false,
      schema: 'core',
      stringKeys: true,
      // Repeated keys are checked below, because the library compares every key of a map with every other, in quadratic
      // time.
      uniqueKeys: false,
      version: '1.2',
    });
  } catch (caught) {
    throw refusal(`the YAML cannot be parsed: ${reasonOf(caught)}`, 1, caught);
  }
}

const explanations: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS:
    'the file has several documents, but a configuration is one document; split the file at its "---" lines',
  NON_STRING_KEY: 'a key is not plain text',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
};

function refuseSyntax(document: YamlDocument, lines: LineCounter): void {
  const [problem] = [...document.errors, ...document.warnings];
  if (problem) {
    const { line } = lines.linePos(problem.pos[0]);
    throw refusal(explanations[problem.code] ?? problem.message.slice(0, 300), line, problem);
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null))
    throw refusal('the file is empty; it needs `name`, `task`, `owner`, `data`, `code` and `build`', 1);
}

interface Visit {
  readonly node: unknown;
  readonly path: KeyPath;
}

/** Uses a work list instead of recursion, because deeply nested input could overflow the call stack. */
function refuseRepeatedKeys(document: YamlDocument, lineAt: (node: unknown) => number): void {
  const waiting: Visit[] = [{ node: document.contents, path: [] }];
  for (let visit = waiting.pop(); visit; visit = waiting.pop()) {
    const { node, path } = visit;
    if (isMap(node)) waiting.push(...pairsOf(node, path, lineAt));
    // Aliases are not followed: the nodes that they refer to are visited at their anchors.
    else if (isSeq(node))
      for (const [index, item] of node.items.entries()) waiting.push({ node: item, path: [...path, index] });
  }
}

function pairsOf(map: YAMLMap, path: KeyPath, lineAt: (node: unknown) => number): Visit[] {
  const firstLines = new Map<string, number>();
  return map.items.map(({ key, value }) => {
    const name = keyText(key);
    const first = firstLines.get(name);
    if (first !== undefined) {
      const problem = { path: [...path, name], message: `is given twice, first in line ${first}; remove one` };
      throw configurationError([problem], () => lineAt(key));
    }
    firstLines.set(name, lineAt(key));
    return { node: value, path: [...path, name] };
  });
}

function valueOf(document: YamlDocument): unknown {
  try {
    const value: unknown = document.toJS({ maxAliasCount });
    return value;
  } catch (caught) {
    const reason = /excessive alias/i.test(reasonOf(caught))
      ? `the aliases expand to more than ${maxAliasCount} copies; write the values out`
      : `the aliases cannot be resolved: ${reasonOf(caught)}`;
    throw refusal(reason, 1, caught);
  }
}

/** Returns the node of the deepest key along `path` that exists, or the whole document if none does. */
function nodeAt(document: YamlDocument, path: KeyPath): unknown {
  let found: unknown = document.contents;
  let node: unknown = document.contents;
  for (const step of path) {
    const container: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => keyText(key) === String(step));
      if (!pair) break;
      found = pair.key;
      node = pair.value;
    } else if (isSeq(container) && typeof step === 'number' && step < container.items.length) {
      node = container.items[step];
      found = node;
    } else break;
  }
  return found;
}

function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function offsetOf(node: unknown): number {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) ? Number(range[0]) : 0;
}

function refusal(reason: string, line: number, cause?: unknown): PerennialError {
  return new PerennialError(
    'invalid-configuration',
    `the configuration cannot be used, line ${line}: ${reason}`,
    { pointer: '', line },
    { cause },
  );
}
