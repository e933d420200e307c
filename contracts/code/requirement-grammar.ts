// The grammar of PEP 508 without URLs: requirements that name a package.

export interface NamedRequirement {
  /** Normalised as in PEP 503. */
  readonly name: string;
  /** Written from the parsed values: name, extras, specifiers and marker only. */
  readonly text: string;
}

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?/;
const extrasPattern = /^\[\s*([A-Za-z0-9._-]+(?:\s*,\s*[A-Za-z0-9._-]+)*)?\s*\]/;
const specifierPattern = /^(===|==|~=|!=|<=|>=|<|>)\s*([A-Za-z0-9._*+!-]+)$/;
const markerNestingAtMost = 20;

const markerVariables = [
  'python_version',
  'python_full_version',
  'os_name',
  'sys_platform',
  'platform_release',
  'platform_system',
  'platform_version',
  'platform_machine',
  'platform_python_implementation',
  'implementation_name',
  'implementation_version',
  'extra',
] as const;

/** Normalises a package name as in PEP 503. */
export function normalisedPackageName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase();
}

/**
 * Parses a requirement such as `scikit-learn[extra] >=1.5,<2 ; python_version < "3.13"`. Returns `undefined` for any
 * other text.
 */
export function parseNamedRequirement(text: string): NamedRequirement | undefined {
  const [before = '', ...after] = text.split(';');
  const name = namePattern.exec(before.trim())?.[0];
  if (name === undefined) return undefined;
  const afterName = before.trim().slice(name.length).trim();
  const extras = extrasPattern.exec(afterName);
  const versions = parseSpecifiers(afterName.slice(extras?.[0].length ?? 0).trim());
  const marker = after.length === 0 ? '' : parseMarker(after.join(';'));
  if (versions === undefined || marker === undefined) return undefined;
  const chosen = (extras?.[1] ?? '').split(',').flatMap((extra) => (extra.trim() === '' ? [] : [extra.trim()]));
  return {
    name: normalisedPackageName(name),
    text: `${name}${chosen.length === 0 ? '' : `[${chosen.join(',')}]`}${versions}${marker === '' ? '' : ` ; ${marker}`}`,
  };
}

function parseSpecifiers(text: string): string | undefined {
  const bare = text.startsWith('(') && text.endsWith(')') ? text.slice(1, -1).trim() : text;
  if (bare === '') return '';
  const found = bare.split(',').map((part) => specifierPattern.exec(part.trim()));
  const written = found.flatMap((match) => (match === null ? [] : [`${match[1]}${match[2]}`]));
  return written.length === found.length ? written.join(',') : undefined;
}

const markerToken = new RegExp(
  `\\s*(?:([()])|(and|or|not|in)\\b|(${markerVariables.join('|')})\\b|(===|==|>=|<=|!=|~=|>|<)|('[^'\\\\$]*'|"[^"\\\\$]*"))`,
  'y',
);

interface MarkerToken {
  readonly kind: 'parenthesis' | 'word' | 'operand' | 'comparison';
  readonly text: string;
}

function parseMarker(text: string): string | undefined {
  const tokens = markerTokens(text.trimEnd());
  if (tokens === undefined || tokens.length === 0) return undefined;
  return new MarkerReader(tokens).isWhole() ? tokens.map((token) => token.text).join(' ') : undefined;
}

function markerTokens(text: string): MarkerToken[] | undefined {
  const tokens: MarkerToken[] = [];
  let at = 0;
  while (at < text.length) {
    markerToken.lastIndex = at;
    const match = markerToken.exec(text);
    if (match === null) return undefined;
    const [whole, parenthesis, word, variable, comparison, quoted] = match;
    at += whole.length;
    if (parenthesis !== undefined) tokens.push({ kind: 'parenthesis', text: parenthesis });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if (comparison !== undefined) tokens.push({ kind: 'comparison', text: comparison });
    else tokens.push({ kind: 'operand', text: variable ?? quoted ?? '' });
  }
  return tokens;
}

/** Checks the grammar of a marker. Each method returns whether it could read its part. */
class MarkerReader {
  readonly #tokens: readonly MarkerToken[];
  #at = 0;

  constructor(tokens: readonly MarkerToken[]) {
    this.#tokens = tokens;
  }

  isWhole(): boolean {
    return this.#conditions(0) && this.#at === this.#tokens.length;
  }

  /** `and` and `or` need no precedence here: pip decides what the marker means. */
  #conditions(depth: number): boolean {
    if (!this.#condition(depth)) return false;
    while (this.#takes('and') || this.#takes('or')) if (!this.#condition(depth)) return false;
    return true;
  }

  #condition(depth: number): boolean {
    if (this.#takes('(')) return depth < markerNestingAtMost && this.#conditions(depth + 1) && this.#takes(')');
    return this.#operand() && this.#operator() && this.#operand();
  }

  #operand(): boolean {
    return this.#takesKind('operand');
  }

  #operator(): boolean {
    if (this.#takes('in')) return true;
    if (this.#takes('not')) return this.#takes('in');
    return this.#takesKind('comparison');
  }

  #takes(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'operand' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #takesKind(kind: MarkerToken['kind']): boolean {
    if (this.#tokens[this.#at]?.kind !== kind) return false;
    this.#at += 1;
    return true;
  }
}
