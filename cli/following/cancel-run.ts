import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ApiClient } from '../api-client.ts';

/** Whoever pressed Ctrl-C waits for what follows it. */
const patienceMs = 2_000;

/**
 * Asks for a run to be cancelled, for someone who is leaving: true once the request is written, from when on it is
 * carried out whatever stops. False, and no error, where that was not to be had in two seconds.
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
