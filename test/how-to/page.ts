import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../..', import.meta.url));

export interface HowToPage {
  /** Files that the page shows: a code block after a line that ends with a path in backticks and a colon. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** The page's shell commands in their order, as one script. */
  readonly script: string;
}

const fence = /^```(\w+)\n(.*?)^```$/gms;
const fileName = /`([\w./-]+)`:\s*$/;

export function readPage(name: string): HowToPage {
  const text = readFileSync(`${repository}docs/how-to/${name}.md`, 'utf8');
  const files: { path: string; text: string }[] = [];
  const commands: string[] = [];
  for (const { 1: language = '', 2: body = '', index } of text.matchAll(fence)) {
    const named = fileName.exec(text.slice(0, index))?.[1];
    if (named !== undefined) files.push({ path: named, text: body });
    else if (language === 'sh') commands.push(body);
  }
  return { files, script: commands.join('\n') };
}
