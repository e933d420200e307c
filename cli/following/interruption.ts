import { PerennialError } from '../../contracts/errors.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `wait` until it ends or a signal interrupts it. Ctrl-C ends only the waiting, not the run: the error says that
 * the run goes on, and what the user can do. SIGTERM and SIGHUP do the same, so that the verb can still clean up, for
 * example stop the demo's stack.
 */
export async function whileWaitingFor<Result>(
  run: { readonly id: string; readonly kind: string },
  wait: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  for (const signal of signals) process.on(signal, interrupt);
  try {
    return await wait(interrupted.signal);
  } catch (caught) {
    if (!interrupted.signal.aborted) throw caught;
    throw new PerennialError(
      'cancelled',
      `stopped waiting, but the ${run.kind} run continues; follow it with perennial runs watch ${run.id}, or cancel it with perennial runs cancel ${run.id}`,
      { runId: run.id, interrupted: true },
      { cause: caught },
    );
  } finally {
    // The terminal and the parent process may both deliver Ctrl-C. After the first one, the handlers stay installed so
    // that the second one does not kill this process.
    if (!interrupted.signal.aborted) for (const signal of signals) process.off(signal, interrupt);
  }
}
