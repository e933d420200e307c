import { randomInt } from 'node:crypto';
import pc from 'picocolors';

export interface Colours {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/**
 * Two parameters in each sequence that this process paints with, which no text from outside can know: what has them is
 * its own, and every other sequence is somebody else's. A terminal never sees them. They come first: tables take the last
 * parameter for the colour.
 */
const signature = `${randomInt(1000, 10_000)};${randomInt(1000, 10_000)};`;
const signed = new RegExp(`(${String.fromCharCode(0x1b)}\\[${signature}\\d+m)`);

/** Colours that `paintedSafely` knows for its own; none of them where they are not wanted. */
export function signedColours(wanted: boolean): Colours {
  const { bold, dim, green, red, yellow, cyan } = pc.createColors(wanted);
  return {
    bold: signing(bold),
    dim: signing(dim),
    green: signing(green),
    red: signing(red),
    yellow: signing(yellow),
    cyan: signing(cyan),
  };
}

function signing(paint: (text: string) => string): (text: string) => string {
  const [open = '', close = ''] = paint('|').split('|').map(sign);
  return (text) => `${open}${text}${close}`;
}

function sign(sequence: string): string {
  return sequence.replace('[', `[${signature}`);
}

/** `make` of all but the sequences of this process. */
export function exceptPaint(text: string, make: (text: string) => string): string {
  return piecesOf(text, (sequence) => sequence, make);
}

/** What the terminal is given: `make` of the text, and the sequences of this process as the terminal knows them. */
export function painted(text: string, make: (text: string) => string): string {
  return piecesOf(text, (sequence) => sequence.replace(signature, ''), make);
}

function piecesOf(text: string, own: (sequence: string) => string, make: (text: string) => string): string {
  return text
    .split(signed)
    .map((piece, at) => (at % 2 === 1 ? own(piece) : make(piece)))
    .join('');
}
