/** A file that a recipe writes, or lines that it changes in an existing file. */
export interface RecipeFile {
  readonly path: string;
  /** `diff`: lines to add and to remove, with the lines around them. `file`: the whole file. */
  readonly kind: 'diff' | 'file';
  readonly text: string;
}

export interface Recipe {
  readonly title: string;
  readonly files: readonly RecipeFile[];
}

/** Reads the recipes of CONTRIBUTING.md: every third-level heading with its code blocks that name a path. */
export function readRecipes(markdown: string): readonly Recipe[] {
  return markdown
    .split(/^### /m)
    .slice(1)
    .map((section) => ({
      title: section.split('\n', 1)[0]?.trim() ?? '',
      files: [...section.matchAll(/^```(\w+) (\S+)\n(.*?)^```$/gms)].map(([, language, path = '', text = '']) => ({
        path,
        kind: language === 'diff' ? ('diff' as const) : ('file' as const),
        text,
      })),
    }));
}

/** Returns `source` with the diff applied. Hunks are separated by a line `@@`; each must fit exactly one place. */
export function applyDiff(source: string, { path, text }: RecipeFile): string {
  return text.split(/^@@\n/m).reduce((before, hunk) => {
    const lines = hunk.split('\n').slice(0, -1);
    const context = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
    const places = before.split(`${context.join('\n')}\n`).length - 1;
    if (places !== 1) throw new Error(`the lines around a change occur ${places} times in ${path}:\n${hunk}`);
    const after = lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
    return before.replace(`${context.join('\n')}\n`, () => `${after.join('\n')}\n`);
  }, source);
}
