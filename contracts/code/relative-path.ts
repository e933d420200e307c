const longestPath = 1000;
/** In UTF-8 bytes; the longest file name that common file systems allow. */
const longestName = 255;

/**
 * Returns why a path in a configuration could leave its folder and what to write instead, or `undefined` for a path
 * that stays inside, such as `.`, `./x` or `x/`. The text itself is not changed. This is a separate check and not part
 * of the schema, because configurations that were applied before the check existed must remain readable.
 */
export function relativePathProblem(path: string): string | undefined {
  if (path === '') return 'is empty; write . for the folder itself';
  if (path.length > longestPath) return `is longer than ${longestPath} characters; use a shorter path`;
  if (!path.isWellFormed() || /\p{Cc}/u.test(path)) return 'contains a control character; rename the file or folder';
  if (path.includes('\\')) return 'contains a backslash; separate folders by /';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is an absolute path; use a relative path';
  const steps = path.split('/');
  if (steps.includes('..')) return 'leaves its folder through ..; move the files into the folder';
  if (steps[0]?.startsWith('~') === true) return 'begins with ~, which is not expanded; use a relative path';
  if (steps.some((step) => new TextEncoder().encode(step).length > longestName))
    return `contains a name of more than ${longestName} bytes; use a shorter name`;
  return undefined;
}
