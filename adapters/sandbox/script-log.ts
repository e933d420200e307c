import { StringDecoder } from 'node:string_decoder';
import type { LogLine } from '../../contracts/runs/run.ts';

type Stream = 'stdout' | 'stderr';
type OnLog = (line: Pick<LogLine, 'stream' | 'line'>) => void;
type OnProgress = (fraction: number, message: string) => void;

/** Most characters of one line. The rest is cut off, and the line says so. */
export const lineLengthAtMost = 16 * 1024;
/** Most lines of one run. Later lines are dropped, and the log says so. */
export const linesAtMost = 100_000;
const lastLinesKept = 20;

/** Turns a program's output into log lines and progress while it runs. Every buffer is bounded. */
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

  /** Emits the last lines that do not end with a line break. */
  end(): void {
    this.#splitters.stdout.end();
    this.#splitters.stderr.end();
  }

  /** Last lines of both streams, for error messages. */
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
      this.system(`the output has more than ${linesAtMost} lines; the rest is left out of the log`);
  }
}

/**
 * Parses a progress line, such as `::progress 0.4 fitting`. Returns null for any other line, which is then a log line.
 */
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
    // A progress bar redraws itself from the start of its line. Only its last state is logged.
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
    // Postgres cannot store NUL in text.
    const line = this.#line.replace(/\r$/, '').replaceAll('\0', '\uFFFD');
    this.#onLine(this.#cut ? `${line} … (cut after ${lineLengthAtMost} characters)` : line);
    this.#line = '';
    this.#cut = false;
  }
}
