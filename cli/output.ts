import Table from 'cli-table3';
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
 * Standard output is data only; progress, banners and hints go to standard error. With `json` the data is one JSON
 * document, whether or not there is a terminal. Without a terminal there is no colour, prompt or truncation.
 */
export class Output {
  readonly json: boolean;
  readonly colours: Colours;
  readonly interactive: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;
  #transient = false;

  constructor(options: { json: boolean; noColour: boolean; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream }) {
    this.json = options.json;
    this.#stdout = options.stdout;
    this.#stderr = options.stderr;
    this.interactive = options.stderr.isTTY === true;
    this.colours = pc.createColors(this.interactive && !options.noColour);
  }

  /** The verb's result: JSON when asked for, else what `human` makes of it. */
  data(value: unknown, human: () => string): void {
    this.#stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${human()}\n`);
  }

  /** One line of a stream. */
  line(value: unknown, human: string): void {
    this.#stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${human}\n`);
  }

  note(text: string): void {
    this.#clear();
    this.#stderr.write(`${text}\n`);
  }

  /** A line that the next one replaces; without a terminal it is left out. */
  progress(text: string): void {
    if (!this.interactive) return;
    this.#clear();
    const width = this.#stderr.columns ?? 80;
    this.#stderr.write(text.length > width - 1 ? `${text.slice(0, width - 2)}…` : text);
    this.#transient = true;
  }

  done(): void {
    this.#clear();
  }

  #clear(): void {
    if (!this.#transient) return;
    this.#stderr.write('\r\u001B[2K');
    this.#transient = false;
  }

  table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
    if (rows.length === 0) return 'none';
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
    const table = new Table({
      head: head.map((title) => this.colours.bold(title)),
      chars: bare,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    });
    for (const row of rows) table.push(row.map(String));
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
}
