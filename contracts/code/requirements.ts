import { PerennialError } from '../errors.ts';
import type { NamedRequirement } from './requirement-grammar.ts';
import { parseNamedRequirement } from './requirement-grammar.ts';

// Parses a requirements file instead of passing it to pip, because pip would also read options, URLs, paths and other
// files from it. The file that pip receives is written from the parsed values.

export interface Requirement extends NamedRequirement {
  /** `sha256:…`, `sha384:…` or `sha512:…`, in lower case. */
  readonly hashes: readonly string[];
  /** Line number in the file, starting at 1. */
  readonly line: number;
}

/**
 * A line that names a source of packages. It is allowed and ignored if it equals a source that the administrator has
 * configured.
 */
export interface NamedSource {
  readonly kind: 'index' | 'find-links' | 'trusted-host';
  readonly value: string;
  readonly line: number;
  /** The line in a form that messages may quote, without credentials. */
  readonly quoted: string;
}

export interface RequirementsFile {
  /** The file's name in messages. */
  readonly file: string;
  readonly requirements: readonly Requirement[];
  readonly sources: readonly NamedSource[];
}

const charactersAtMost = 10 * 2 ** 20;
const lineCharactersAtMost = 200_000;
const requirementsAtMost = 10_000;
const quotedAtMost = 200;

const controlCharacter = /(?!\t)[\p{Cc}\u2028\u2029]/u;
const archiveName = /\.(whl|zip|tar|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz|egg)$/i;
const hashOption = /^--hash(?:=|\s+)((?:sha256:[0-9a-f]{64})|(?:sha384:[0-9a-f]{96})|(?:sha512:[0-9a-f]{128}))$/i;

const sourceOptions: Readonly<Record<string, NamedSource['kind']>> = {
  '-i': 'index',
  '--index-url': 'index',
  '--pypi-url': 'index',
  '--extra-index-url': 'index',
  '-f': 'find-links',
  '--find-links': 'find-links',
  '--trusted-host': 'trusted-host',
};

/** Reads a requirements file. Throws `environment-failed`, which names the file and line that are refused. */
export function parseRequirements(text: string, file: string): RequirementsFile {
  if (text.length > charactersAtMost)
    throw refusal(file, null, `the file has more than ${charactersAtMost} characters; name fewer packages`);
  const requirements: Requirement[] = [];
  const sources: NamedSource[] = [];
  for (const { line, content } of logicalLines(text.replace(/^\uFEFF/, ''))) {
    if (content === '') continue;
    const said = new RefusableLine(file, line, content);
    refuseUnreadable(said);
    const source = sourceOf(said);
    if (source === undefined) requirements.push(requirementOf(said));
    else if (source !== 'ignored') sources.push(source);
    if (requirements.length > requirementsAtMost)
      throw refusal(file, line, `the file has more than ${requirementsAtMost} requirements; name fewer packages`);
  }
  return { file, requirements, sources };
}

/** Returns the requirements without a hash: nothing could verify the files that an index sends for them. */
export function withoutHash({ requirements }: Pick<RequirementsFile, 'requirements'>): readonly Requirement[] {
  return requirements.filter(({ hashes }) => hashes.length === 0);
}

/** Returns the text of the requirements file that the installer receives. */
export function requirementsText(requirements: readonly Pick<Requirement, 'text' | 'hashes'>[]): string {
  return requirements
    .map(({ text, hashes }) => `${[text, ...hashes.map((hash) => `--hash=${hash}`)].join(' ')}\n`)
    .join('');
}

/** Returns the error for a package source that the administrator has not configured. */
export function foreignSource(file: string, source: NamedSource): PerennialError {
  return refusal(
    file,
    source.line,
    `${source.quoted} names a source of packages that the administrator has not configured; remove the line, or ask the administrator to set PERENNIAL_PIP_INDEX_URL or PERENNIAL_PIP_EXTRA_INDEX_URLS`,
  );
}

class RefusableLine {
  readonly file: string;
  readonly line: number;
  readonly content: string;

  constructor(file: string, line: number, content: string) {
    this.file = file;
    this.line = line;
    this.content = content;
  }

  get quoted(): string {
    const harmless = this.content.replaceAll(new RegExp(controlCharacter, 'gu'), '\uFFFD');
    const cut = harmless.length > quotedAtMost ? `${harmless.slice(0, quotedAtMost)}…` : harmless;
    // Credentials in an address must not appear in logs.
    return `\`${cut.replaceAll(/\/\/[^/@\s]*@/g, '//…@')}\``;
  }

  refuse(why: string): never {
    throw refusal(this.file, this.line, `${this.quoted} ${why}`);
  }
}

function refusal(file: string, line: number | null, why: string): PerennialError {
  const place = line === null ? file : `${file}:${line}`;
  return new PerennialError('environment-failed', `${place} cannot be installed: ${why}`, { file, line });
}

/**
 * Yields lines without comments and with continuation lines joined. `line` is the number of the first physical line.
 */
function* logicalLines(text: string): Generator<{ readonly line: number; readonly content: string }> {
  let started: { line: number; content: string } | undefined;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '');
    // As in pip, a comment line ends a continuation.
    const isComment = /^\s*#/.test(line);
    const continues = !isComment && line.endsWith('\\');
    const content = (continues ? line.slice(0, -1) : line).replace(/(^|\s)#.*$/, '');
    started = { line: started?.line ?? index + 1, content: `${started?.content ?? ''}${content}` };
    if (continues && started.content.length <= lineCharactersAtMost) continue;
    yield { line: started.line, content: started.content.trim() };
    started = undefined;
  }
  if (started !== undefined) yield { line: started.line, content: started.content.trim() };
}

function refuseUnreadable(said: RefusableLine): void {
  const { content } = said;
  if (content.length > lineCharactersAtMost)
    said.refuse(`is longer than ${lineCharactersAtMost} characters; split the file`);
  if (controlCharacter.test(content)) said.refuse('contains control characters; remove them');
  if (content.includes('${'))
    said.refuse('names an environment variable, which is not expanded; write the value itself, but no secret');
}

function sourceOf(said: RefusableLine): NamedSource | 'ignored' | undefined {
  if (!said.content.startsWith('-')) return undefined;
  const [, option = '', value = ''] = /^(--?[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+)?(.*)$/.exec(said.content) ?? [];
  const kind = sourceOptions[option];
  if (kind !== undefined && /^\S+$/.test(value)) return { kind, value, line: said.line, quoted: said.quoted };
  // This option is always in effect, unless the configuration allows builds.
  if (option === '--only-binary' && value === ':all:') return 'ignored';
  said.refuse(whyNoOption(option));
}

function whyNoOption(option: string): string {
  switch (option) {
    case '-e':
    case '--editable':
      return 'installs a folder, but only packages from an index are installed; put that code into the code folder itself, or publish it to the package index';
    case '-r':
    case '--requirement':
    case '-c':
    case '--constraint':
      return 'reads another file; write everything into one file, e.g. with `pip-compile --generate-hashes`';
    case '--no-binary':
    case '--only-binary':
    case '--prefer-binary':
      return 'is an option that is not accepted, because only wheels are installed; remove the line, or set code.allowBuilds for packages without a wheel';
    case '--pre':
      return 'is an option that is not accepted; name the version instead, such as package==2.0rc1';
    default:
      return 'is an option that is not accepted, because the only accepted option is --hash; remove the line';
  }
}

function requirementOf(said: RefusableLine): Requirement {
  const { content, line } = said;
  const optionsAt = content.search(/\s--?[A-Za-z]/);
  const asked = optionsAt === -1 ? content : content.slice(0, optionsAt).trim();
  refuseLocation(said, asked);
  const parsed = parseNamedRequirement(asked);
  if (parsed === undefined)
    said.refuse('is not a requirement; write a name with a version, such as `pandas==2.3.3`, and nothing else');
  return { ...parsed, hashes: optionsAt === -1 ? [] : hashesOf(said, content.slice(optionsAt)), line };
}

function refuseLocation(said: RefusableLine, asked: string): void {
  const [place = ''] = asked.split(';');
  if (/^[a-z]+\+/i.test(place) || /@\s*[a-z]+\+/i.test(place))
    said.refuse('comes from version control, where no hash can be checked; publish it to the package index');
  if (place.includes('@') || place.includes('://') || /^[a-z]+:/i.test(place))
    said.refuse(
      'names an address, but packages come from the administrator’s package index; write the name and version of the package',
    );
  if (/[/\\]/.test(place) || /^[.~]/.test(place) || archiveName.test(place.trim()))
    said.refuse(
      'names a file or folder, but packages come from the administrator’s package index; write the name and version of the package',
    );
}

function hashesOf(said: RefusableLine, options: string): string[] {
  return options
    .trim()
    .split(/\s+(?=-)/)
    .map((option) => {
      const hash = hashOption.exec(option.trim())?.[1];
      if (hash !== undefined) return hash.toLowerCase();
      if (option.startsWith('--hash'))
        said.refuse(
          'has a hash that is not sha256, sha384 or sha512; create the lock file again, e.g. with `pip-compile --generate-hashes`',
        );
      return said.refuse(`has the option ${option.slice(0, 40)}, but the only accepted option is --hash; remove it`);
    });
}
