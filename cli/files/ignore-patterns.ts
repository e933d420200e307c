import ignore from 'ignore';

/** Whether a path below the folder, with `/` as separator, is ignored. */
export type Ignores = (path: string) => boolean;

/** Parses the patterns of a .gitignore in the same way as git. */
export function parseIgnorePatterns(text: string): Ignores {
  // Git is case-sensitive wherever the file system is.
  const patterns = ignore({ ignorecase: false }).add(text);
  return (path) => patterns.ignores(path);
}
