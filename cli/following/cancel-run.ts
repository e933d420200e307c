import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../api-client.ts';

/** Short, because the user has pressed Ctrl-C and is waiting. */
const patienceMs = 2_000;

/**
 * Requests the cancellation of a run before the program exits. Returns true once the request is stored; it is then
 * carried out even if the stack stops. Returns false, without an error, if that fails or takes longer than two seconds.
 */
export async function cancelBeforeLeaving(
  api: ApiClient,
  runId: string,
  reason: string,
  withinMs = patienceMs,
): Promise<boolean> {
  const enough = new AbortController();
  const asked = api.send('POST', `/v1/runs/${runId}/cancel`, z.unknown(), { reason }).then(
    () => true,
    () => false,
  );
  const late = pause(withinMs, false, { signal: enough.signal }).catch(() => false);
  try {
    return await Promise.race([asked, late]);
  } finally {
    enough.abort();
  }
}
