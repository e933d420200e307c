import type { Id } from '../../contracts/identifiers.ts';
import { isFinal } from '../../contracts/runs/run.ts';
import type { RunRepository } from '../../ports/repositories/run-repository.ts';

const pollMs = 300;
const aliveMs = 15_000;
const linesAtOnce = 500;

interface Until {
  /** Aborted when the reader has gone or the server closes. */
  readonly signal: AbortSignal;
  /** Called before each poll, because a key can be revoked or expire while its stream runs for hours. */
  readonly maySee: () => Promise<boolean>;
}

/**
 * Streams a run's log as server-sent events: `log` with each line after the sequence number `after`, `run` whenever the
 * state or progress changes, and a last event `end` with the final run. The stream also ends when `signal` is aborted,
 * and with the event `forbidden` when the reader may no longer see the run.
 */
export async function* runLogEvents(
  runs: RunRepository,
  id: Id,
  after: number,
  { signal, maySee }: Until,
): AsyncGenerator<string> {
  let sequence = after;
  let told = '';
  let quietSince = performance.now();
  while (!signal.aborted) {
    if (!(await maySee())) return yield 'event: forbidden\ndata: {}\n\n';
    // Reads the run before its lines, because no line is added once the run is final.
    const run = await runs.get(id);
    const summary = JSON.stringify({ id: run.id, state: run.state, progress: run.progress });
    if (summary !== told) {
      told = summary;
      quietSince = performance.now();
      yield `event: run\ndata: ${summary}\n\n`;
    }
    const lines = await runs.logs(id, sequence, linesAtOnce);
    for (const line of lines) {
      sequence = line.sequence;
      yield `id: ${line.sequence}\nevent: log\ndata: ${JSON.stringify(line)}\n\n`;
    }
    if (lines.length > 0) quietSince = performance.now();
    else if (isFinal(run.state)) return yield `event: end\ndata: ${JSON.stringify(run)}\n\n`;
    else if (performance.now() - quietSince > aliveMs) {
      quietSince = performance.now();
      yield ': still here\n\n';
    }
    if (lines.length < linesAtOnce) await pause(pollMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over, { once: true });
  });
}
