import { PerennialError } from '../../contracts/errors.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Ctrl-C ends the waiting and never what is waited for: the error says that it goes on, and the ways out. So does being
 * asked to end; a verb that has something to clear away, such as the demo's stack, would else never come to it.
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
      `not waiting any more; the ${run.kind} run goes on. perennial runs watch ${run.id} shows it, perennial runs cancel ${run.id} stops it`,
      { runId: run.id, interrupted: true },
      { cause: caught },
    );
  } finally {
    // The terminal and the process above both hand Ctrl-C on: once interrupted, the second one must not kill.
    if (!interrupted.signal.aborted) for (const signal of signals) process.off(signal, interrupt);
  }
}
