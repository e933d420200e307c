import type { StoredType } from '../typing/fields.ts';
import { type Reading, numberLike, patternOf } from '../typing/spellings.ts';

type TypeOfText = Exclude<StoredType, 'VARCHAR'>;

const readings: readonly Reading[] = ['as-written', 'declared'];
const types: readonly TypeOfText[] = ['BOOLEAN', 'BIGINT', 'DOUBLE', 'DATE', 'TIMESTAMP', 'TIMESTAMP WITH TIME ZONE'];

/** Returns the bit of a type and a reading in the forms of a cell. */
export function formBit(stored: TypeOfText, reading: Reading): number {
  return 1 << (readings.indexOf(reading) * types.length + types.indexOf(stored));
}

/** Bits of all types and readings. */
export const anyForm = (1 << (readings.length * types.length)) - 1;

/** Bit of a text that looks like a number, in any spelling of digits, sign, decimal point and exponent. */
export const numberLikeBit = 1 << (readings.length * types.length);
/** Bit of a number with an exponent or of sixteen or more characters, which a DOUBLE may not hold exactly. */
export const longNumberBit = numberLikeBit << 1;
/** Bit of a text that was not followed to its end. Its other bits are unknown. */
export const unknownBit = longNumberBit << 1;

/** Characters that the patterns distinguish. A digit is `0` only where a leading zero could stand, otherwise `1`. */
const alphabet = '01+-.e:TZ trufals';
const formsAtMost = 2 ** 12;
const longestFollowed = 40;

/** State of a cell without characters. */
export const emptyState = 1;
/** State of a cell that has no form. */
const deadState = 2;
/** State of a cell that is not followed further. */
const unknownState = 3;

/**
 * Automaton that gives the forms of a text, byte by byte. It grows with the texts that occur: each state stands for the
 * texts that no pattern distinguishes, and the patterns themselves are asked about one of them. The number of states is
 * bounded.
 */
export class CellForms {
  /** Next state by `state << 8 | byte`; 0 if `grow` must be asked. */
  readonly next = new Uint16Array(formsAtMost << 8);
  /** Forms by state. */
  readonly forms = new Int32Array(formsAtMost);
  readonly #texts: string[] = ['', '', '', ''];
  readonly #states = new Map<string, number>();
  readonly #marks: ReadonlySet<number>;

  /** `marks` are bytes that end or open a cell. They have no next state. */
  constructor(marks: ReadonlySet<number>) {
    this.#marks = marks;
    this.forms[unknownState] = unknownBit;
  }

  /** Returns the state that follows a state, also if the byte is a mark, which then counts as content. */
  grow(state: number, byte: number): number {
    const following = this.#following(state, byte);
    if (!this.#marks.has(byte)) this.next[(state << 8) | byte] = following;
    return following;
  }

  #following(state: number, byte: number): number {
    if (state === deadState || state === unknownState) return state;
    const before = this.#texts[state] ?? '';
    const character = this.#marks.has(byte) ? undefined : characterOf(byte, before);
    if (character === undefined) return deadState;
    const text = before + character;
    const known = this.#states.get(text);
    if (known !== undefined) return known;
    if (text.length > longestFollowed || this.#texts.length >= formsAtMost) return unknownState;
    const made = this.#texts.push(text) - 1;
    this.#states.set(text, made);
    this.forms[made] = formsOf(text);
    return made;
  }
}

/** Returns the character that stands for a byte; undefined for a byte that occurs in no pattern. */
function characterOf(byte: number, before: string): string | undefined {
  const given = String.fromCharCode(byte);
  if (/[0-9]/.test(given)) return given === '0' && /^[+-]?$/.test(before) ? '0' : '1';
  // T and Z mean something else in times than t in words; other letters count as lower case.
  const character = given === 'T' || given === 'Z' ? given : given.toLowerCase();
  return given !== 'z' && alphabet.includes(character) ? character : undefined;
}

const tests = [
  ...readings.flatMap((reading) =>
    types.map((stored) => ({ bit: formBit(stored, reading), pattern: whole(patternOf(stored, reading)) })),
  ),
  { bit: numberLikeBit, pattern: whole(numberLike) },
];

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

function formsOf(text: string): number {
  const forms = tests.reduce((found, { bit, pattern }) => (pattern.test(text) ? found | bit : found), 0);
  const isLong = (forms & numberLikeBit) !== 0 && (text.length >= 16 || text.includes('e'));
  return isLong ? forms | longNumberBit : forms;
}
