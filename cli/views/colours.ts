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
 * Two random parameters that mark the colour sequences of this process, so that text from outside cannot imitate them:
 * a sequence with them is our own, every other one is foreign. They are removed before output. They come first, because
 * tables take the last parameter as the colour.
 */
const signature = `${randomInt(1000, 10_000)};${randomInt(1000, 10_000)};`;
const signed = new RegExp(`(${String.fromCharCode(0x1b)}\\[${signature}\\d+m)`);

/** Returns colour functions whose sequences `painted` recognises; without colours if they are not wanted. */
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

/** Applies `make` to everything except the colour sequences of this process. */
export function exceptPaint(text: string, make: (text: string) => string): string {
  return piecesOf(text, (sequence) => sequence, make);
}

/**
 * Returns the text for the terminal: `make` is applied to the text, and the colour sequences of this process become
 * plain ones.
 */
export function painted(text: string, make: (text: string) => string): string {
  return piecesOf(text, (sequence) => sequence.replace(signature, ''), make);
}

function piecesOf(text: string, own: (sequence: string) => string, make: (text: string) => string): string {
  return text
    .split(signed)
    .map((piece, at) => (at % 2 === 1 ? own(piece) : make(piece)))
    .join('');
}
