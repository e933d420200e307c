/** Answers whether a path below the folder, with `/` between its steps, is left out. */
export type Ignores = (path: string) => boolean;

interface Pattern {
  readonly matches: RegExp;
  readonly keeps: boolean;
  readonly foldersOnly: boolean;
}

/**
 * The patterns of a .gitignore as git reads them: the last one that matches decides, `!` keeps, a slash within binds to
 * the folder, `**` is any number of steps, and what lies in a folder that is left out cannot be kept.
 */
export function parseIgnorePatterns(text: string): Ignores {
  const patterns = text.split(/\r?\n/).flatMap(parsePattern);
  const isOut = (path: string, isFolder: boolean): boolean => {
    const decides = patterns.findLast(({ matches, foldersOnly }) => (isFolder || !foldersOnly) && matches.test(path));
    return decides !== undefined && !decides.keeps;
  };
  return (path) => {
    const steps = path.split('/');
    return steps.some((_step, at) => isOut(steps.slice(0, at + 1).join('/'), at < steps.length - 1));
  };
}

function parsePattern(line: string): Pattern[] {
  const written = line.replace(/(?<!\\) +$/, '');
  if (written === '' || written.startsWith('#')) return [];
  const keeps = written.startsWith('!');
  const foldersOnly = written.endsWith('/');
  const body = (keeps ? written.slice(1) : written).replace(/\/$/, '').replace(/^\\([#!])/, '$1');
  const bound = body.includes('/');
  const expression = expressionOf(body.replace(/^\//, ''));
  return [{ matches: new RegExp(`^${bound ? '' : '(?:.*/)?'}${expression}$`, 's'), keeps, foldersOnly }];
}

const token = /\*\*\/|\/\*\*$|\*+|\?|\[(!?)((?:\\.|[^\]\\])+)\]|\\(.)|[^*?[\\]/gs;

function expressionOf(pattern: string): string {
  return pattern.replaceAll(token, (found: string, negated?: string, members?: string, escaped?: string) => {
    if (found === '**/') return '(?:.*/)?';
    if (found === '/**') return '/.*';
    if (found.startsWith('*')) return '[^/]*';
    if (found === '?') return '[^/]';
    if (members !== undefined) return `[${negated === '!' ? '^' : ''}${members.replaceAll(/[\\^[]/g, '\\$&')}]`;
    return literally(escaped ?? found);
  });
}

function literally(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&');
}
