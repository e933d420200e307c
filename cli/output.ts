import Table from 'cli-table3';
import type { Colours } from './views/colours.ts';
import { exceptPaint, painted, signedColours } from './views/colours.ts';
import { jsonText, visible, visibleLines } from './views/visible-text.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly noColour: boolean;
  /** A terminal that cannot move its cursor gets no line that another one replaces. */
  readonly dumb: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Standard output is data only; progress, banners and hints go to standard error. With `json` the data is one JSON
 * document, whether or not there is a terminal. Without a terminal there is no colour, prompt or truncation. What others
 * have written drives no terminal and breaks no table: its control characters are spelt out, here and nowhere else.
 */
export class Output {
  readonly json: boolean;
  /** Of what goes to standard error. */
  readonly colours: Colours;
  /** Of what goes to standard output, which may be a file while standard error is a terminal. */
  readonly dataColours: Colours;
  /** Standard error is a terminal. */
  readonly interactive: boolean;
  /** Standard output is a terminal that a person looks at. */
  readonly live: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #transient = false;
  #drawn = 0;

  constructor({ json, noColour, dumb, stdout, stderr }: OutputOptions) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.interactive = isTerminal(stderr) && !dumb;
    this.live = isTerminal(stdout) && !dumb && !json;
    this.colours = signedColours(this.interactive && !noColour);
    this.dataColours = signedColours(this.live && !noColour);
  }

  /** The verb's result: JSON when asked for, else what `human` makes of it. */
  data(value: unknown, human: () => string): void {
    this.#clear();
    this.#stdout.write(`${this.json ? jsonText(value) : painted(human(), visibleLines)}\n`);
  }

  /** One line of a stream, which has no colours of its own. */
  line(value: unknown, human: string): void {
    this.#clear();
    this.#stdout.write(`${this.json ? jsonText(value) : visibleLines(human)}\n`);
  }

  note(text: string): void {
    this.#clear();
    this.#stderr.write(`${painted(text, visibleLines)}\n`);
  }

  /** A line that the next one replaces; without a terminal it is left out. */
  progress(text: string): void {
    if (!this.interactive) return;
    this.#clear();
    this.#stderr.write(cut(visible(text), sizeOf(this.#stderr).columns - 1));
    this.#transient = true;
  }

  done(): void {
    this.#clear();
  }

  /** Draws lines over those drawn before, as many as the terminal has room for. Only where `live` is true. */
  draw(lines: readonly { readonly text: string; readonly paint?: ((text: string) => string) | undefined }[]): void {
    this.#clear();
    const { columns: width, rows } = sizeOf(this.#stdout);
    const shown = lines.slice(0, Math.max(1, rows - 1));
    const frame = shown.map(({ text, paint }) => painted((paint ?? unpainted)(cut(visible(text), width)), visible));
    const back = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A\u001B[0J`;
    this.#stdout.write(`${back}${frame.join('\n')}\n`);
    this.#drawn = frame.length;
  }

  /** What is long beside what else there is, on one line; of it 200 characters where a person looks. */
  brief(text: string): string {
    const line = visible(text);
    return this.live ? cut(line, briefLength) : line;
  }

  #clear(): void {
    if (!this.#transient) return;
    this.#stderr.write('\r\u001B[2K');
    this.#transient = false;
  }

  table(
    head: readonly string[],
    rows: readonly (readonly (string | number)[])[],
    colours: Colours = this.dataColours,
  ): string {
    if (rows.length === 0) return 'none';
    const table = new Table({
      head: head.map((title) => colours.bold(title)),
      chars: bare,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    });
    // Also of a painted cell: `data` looks at what is left of it.
    for (const row of rows) table.push(row.map((cell) => exceptPaint(String(cell), visible)));
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
}

const briefLength = 200;

/** Node's types say that it is always there; a stream into a file or a pipe has none. */
export function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** A terminal that does not know its size says 0. */
function sizeOf({ columns, rows }: NodeJS.WriteStream): { readonly columns: number; readonly rows: number } {
  return { columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24 };
}

const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

function unpainted(text: string): string {
  return text;
}

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
