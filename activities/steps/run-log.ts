import { reasonOf } from '../../contracts/errors.ts';
import type { Id } from '../../contracts/identifiers.ts';
import type { LogLine } from '../../contracts/runs/run.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

type Line = Pick<LogLine, 'stream' | 'line'>;

const writeEveryMs = 250;
const linesAtMost = 10_000;

/** Writes logs and progress of one step in batches, so that a script with much output is not slowed down. */
export class RunLog {
  readonly #deps: ActivityDependencies;
  readonly #runId: Id;
  readonly #timer: NodeJS.Timeout;
  #pending: Line[] = [];
  #dropped = 0;
  #progress: { fraction: number; message: string } | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(deps: ActivityDependencies, runId: Id) {
    this.#deps = deps;
    this.#runId = runId;
    this.#timer = setInterval(() => this.#write(), writeEveryMs);
  }

  readonly line = (line: Line): void => {
    if (this.#pending.length < linesAtMost) this.#pending.push(line);
    else this.#dropped += 1;
  };

  readonly progress = (fraction: number, message: string): void => {
    this.#progress = { fraction, message };
  };

  /** Writes the remaining lines. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#write();
    await this.#writing;
  }

  #write(): void {
    const lines =
      this.#dropped > 0
        ? [
            ...this.#pending,
            {
              stream: 'system' as const,
              line: `${this.#dropped} lines were left out, because the output was too fast`,
            },
          ]
        : this.#pending;
    const progress = this.#progress;
    this.#pending = [];
    this.#dropped = 0;
    this.#progress = null;
    if (lines.length === 0 && progress === null) return;
    this.#writing = this.#writing
      .then(() => this.#store(lines, progress))
      .catch((caught: unknown) => {
        this.#deps.logger.warn(
          { runId: this.#runId, reason: reasonOf(caught) },
          'log lines of a run could not be stored',
        );
      });
  }

  async #store(lines: readonly Line[], progress: { fraction: number; message: string } | null): Promise<void> {
    if (lines.length > 0) await this.#deps.repositories.runs.appendLogs(this.#runId, lines);
    if (progress !== null)
      await this.#deps.repositories.runs.progress(this.#runId, progress.fraction, progress.message);
  }
}
