import { StringDecoder } from 'node:string_decoder';
import type { LogLine } from '../../contracts/runs/run.ts';

type Stream = 'stdout' | 'stderr';
type OnLog = (line: Pick<LogLine, 'stream' | 'line'>) => void;
type OnProgress = (fraction: number, message: string) => void;

/** Characters of one line; the rest of it is left out, and says so. */
export const lineLengthAtMost = 16 * 1024;
/** Lines of one run; what comes after is left out, and says so. */
export const linesAtMost = 100_000;
const lastLinesKept = 20;

/** Turns what a program writes into log lines and progress while it runs. Every buffer has a bound. */
export class ScriptLog {
  readonly #onLog: OnLog;
  readonly #onProgress: OnProgress;
  readonly #splitters: Readonly<Record<Stream, LineSplitter>> = {
    stdout: new LineSplitter((line) => this.#line('stdout', line)),
    stderr: new LineSplitter((line) => this.#line('stderr', line)),
  };
  readonly #last: string[] = [];
  #lines = 0;

  constructor(onLog: OnLog, onProgress: OnProgress = () => undefined) {
    this.#onLog = onLog;
    this.#onProgress = onProgress;
  }

  readonly write = (stream: Stream, chunk: Buffer): void => this.#splitters[stream].write(chunk);

  readonly system = (line: string): void => this.#onLog({ stream: 'system', line });

  /** Gives out lines that no line end has followed. */
  end(): void {
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
  }

  /** For messages of errors: the last lines of both streams. */
  get lastLines(): readonly string[] {
    return this.#last;
  }

  #line(stream: Stream, line: string): void {
    const progress = stream === 'stdout' ? parseProgress(line) : null;
    if (progress !== null) {
      this.#onProgress(progress.fraction, progress.message);
      return;
    }
    this.#last.push(line.slice(0, 500));
    if (this.#last.length > lastLinesKept) this.#last.shift();
    this.#lines += 1;
    if (this.#lines <= linesAtMost) this.#onLog({ stream, line });
    else if (this.#lines === linesAtMost + 1)
      this.system(`more than ${linesAtMost} lines; the rest is left out of the log`);
  }
}

/** `::progress 0.4 fitting`; null for a line that is none, which is then a log line. */
export function parseProgress(line: string): { readonly fraction: number; readonly message: string } | null {
  const [, fraction, message = ''] = /^::progress\s+(\d+(?:\.\d*)?|\.\d+)(?:\s+(.*))?$/.exec(line) ?? [];
  if (fraction === undefined) return null;
  return { fraction: Math.min(1, Number(fraction)), message: message.trim().slice(0, 200) };
}

class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #onLine: (line: string) => void;
  #line = '';
  #cut = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const pieces = this.#decoder.write(chunk).split('\n');
    const unfinished = pieces.pop() ?? '';
    for (const piece of pieces) {
      this.#append(piece);
      this.#give();
    }
    this.#append(unfinished);
  }

  end(): void {
    this.#append(this.#decoder.end());
    if (this.#line !== '') this.#give();
  }

  #append(text: string): void {
    if (text === '') return;
    // A bar that redraws itself goes back to the line's start; only its last state is worth a line.
    const start = text.slice(0, -1).lastIndexOf('\r');
    if (start !== -1 || (this.#line.endsWith('\r') && text !== '\r')) {
      this.#line = '';
      this.#cut = false;
    }
    const room = lineLengthAtMost - this.#line.length;
    const rest = text.slice(start + 1);
    this.#cut ||= rest.length > room;
    this.#line += rest.slice(0, room);
  }

  #give(): void {
    // Postgres keeps no NUL in a text.
    const line = this.#line.replace(/\r$/, '').replaceAll('\0', '\uFFFD');
    this.#onLine(this.#cut ? `${line} … (cut after ${lineLengthAtMost} characters)` : line);
    this.#line = '';
    this.#cut = false;
  }
}
