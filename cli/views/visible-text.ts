/** Controls of a terminal, and marks that reorder or break lines: what is printed must be what was said. */
const unseen = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu;
const named: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/** Text from outside on one line, as of a cell: every character that would not be seen, or would be obeyed, is spelt out. */
export function visible(text: string): string {
  return text.replaceAll(unseen, spelt);
}

/** The same of text of many lines; tabs and line breaks stay. */
export function visibleLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(unseen, (character) => (character === '\n' || character === '\t' ? character : spelt(character)));
}

/** JSON escapes most of it by itself; the rest reads the same when it is escaped too. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(unseen, (character) => `\\u${hex(character, 4)}`);
}

function spelt(character: string): string {
  return named[character] ?? (character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
