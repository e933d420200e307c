import Table from 'cli-table3';
import type { Colours } from './views/colours.ts';
import { exceptPaint, painted, signedColours } from './views/colours.ts';
import { jsonText, visible, visibleLines } from './views/visible-text.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly noColour: boolean;
  /** The terminal cannot move its cursor, so no updating lines are written to it. */
  readonly dumb: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * The program's output. Standard output is for data only; progress, banners and hints go to standard error. With
 * `json`, the data is one JSON document, with or without a terminal. Without a terminal there are no colours, prompts
 * or truncation. Control characters in text from elsewhere are escaped here and nowhere else, so that they can neither
 * control the terminal nor break a table.
 */
export class Output {
  readonly json: boolean;
  /** Colours for standard error. */
  readonly colours: Colours;
  /** Colours for standard output, which may be a file while standard error is a terminal. */
  readonly dataColours: Colours;
  /** Whether standard error is a terminal. */
  readonly interactive: boolean;
  /** Whether standard output is a terminal that a person looks at. */
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

  /** Prints the verb's result: as JSON if requested, else the text that `human` returns. */
  data(value: unknown, human: () => string): void {
    this.#clear();
    this.#stdout.write(`${this.json ? jsonText(value) : painted(human(), visibleLines)}\n`);
  }

  /** Prints one line of a stream, without colours. */
  line(value: unknown, human: string): void {
    this.#clear();
    this.#stdout.write(`${this.json ? jsonText(value) : visibleLines(human)}\n`);
  }

  note(text: string): void {
    this.#clear();
    this.#stderr.write(`${painted(text, visibleLines)}\n`);
  }

  /** Shows a line that the next output replaces. Without a terminal nothing is shown. */
  progress(text: string): void {
    if (!this.interactive) return;
    this.#clear();
    this.#stderr.write(cut(visible(text), sizeOf(this.#stderr).columns - 1));
    this.#transient = true;
  }

  done(): void {
    this.#clear();
  }

  /** Draws lines over those of the previous call, as many as fit the terminal. Call it only if `live` is true. */
  draw(lines: readonly { readonly text: string; readonly paint?: ((text: string) => string) | undefined }[]): void {
    this.#clear();
    const { columns: width, rows } = sizeOf(this.#stdout);
    const shown = lines.slice(0, Math.max(1, rows - 1));
    const frame = shown.map(({ text, paint }) => painted((paint ?? unpainted)(cut(visible(text), width)), visible));
    const back = this.#drawn === 0 ? '' : `\u001B[${this.#drawn}A\u001B[0J`;
    this.#stdout.write(`${back}${frame.join('\n')}\n`);
    this.#drawn = frame.length;
  }

  /** Puts a long text on one line and, for a person at a terminal, cuts it to 200 characters. */
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
    // Escapes control characters in every cell but keeps the cell's own colours, which `data` converts for the
    // terminal.
    for (const row of rows) table.push(row.map((cell) => exceptPaint(String(cell), visible)));
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
}

const briefLength = 200;

/** Node's types declare `isTTY` as always present, but it is missing on streams to files and pipes. */
export function isTerminal(stream: { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

/** Returns the terminal's size, or 80 × 24 for a terminal that reports 0. */
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
