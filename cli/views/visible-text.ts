/**
 * Terminal control characters, and characters that reorder text or break lines. They would make the output look
 * different from the text.
 */
const unseen = /[\p{Cc}\u2028-\u202E\u2066-\u2069]/gu;
const named: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/**
 * Puts text from outside on one line, for example for a table cell, and escapes every character that would be invisible
 * or interpreted by the terminal.
 */
export function visible(text: string): string {
  return text.replaceAll(unseen, spelt);
}

/** Does the same for text of many lines, but keeps tabs and line breaks. */
export function visibleLines(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .replaceAll(unseen, (character) => (character === '\n' || character === '\t' ? character : spelt(character)));
}

/**
 * Returns the value as JSON. JSON escapes most of these characters by itself; the others are escaped here without
 * changing the value.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(unseen, (character) => `\\u${hex(character, 4)}`);
}

function spelt(character: string): string {
  return named[character] ?? (character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
