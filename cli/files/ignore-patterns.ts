import ignore from 'ignore';

/** Answers whether a path below the folder, with `/` between its steps, is left out. */
export type Ignores = (path: string) => boolean;

/** Reads the patterns of a .gitignore as git does. */
export function parseIgnorePatterns(text: string): Ignores {
  // Git tells letter cases apart wherever the file system does.
  const patterns = ignore({ ignorecase: false }).add(text);
  return (path) => patterns.ignores(path);
}
