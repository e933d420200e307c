import { setTimeout as pause } from 'node:timers/promises';
import type { GatewayLease } from '../../contracts/serving/deployment.ts';
import { isErrorCode, PerennialError, reasonOf } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gateways, InferenceRow, RefusedRow, SentRows } from '../../ports/gateways.ts';
import type { GatewayAnswer } from './gateway-connections.ts';
import { post } from './gateway-connections.ts';
import { inferenceBody } from './inference-body.ts';
import { absent, LiveGateways } from './live-gateways.ts';

export interface HttpGatewaysSettings {
  readonly liveGateways: () => Promise<readonly GatewayLease[]>;
  /** API key of the worker's own principal, for requests that the worker makes for itself, such as flushes. */
  readonly key: () => string;
  readonly clock: Clock;
  /** How long a row or a flush is retried, in milliseconds. Default: 30 s. */
  readonly retryForMs?: number;
}

const retryForMs = 30_000;
const firstPauseMs = 50;
const longestPauseMs = 1_000;
const rowTimeoutMs = 10_000;
/** A flush writes Parquet and uploads it, which takes longer than a row. */
const flushTimeoutMs = 120_000;

/** Creates the client of the gateways. It uses their own HTTP protocol and the addresses in their leases. */
export function createHttpGateways(settings: HttpGatewaysSettings): Gateways {
  const live = new LiveGateways(settings.liveGateways, settings.clock);
  const retryFor = settings.retryForMs ?? retryForMs;
  return {
    flush: (scope) => flush(settings, scope, retryFor),
    send: (scope, rows, options) => send(live, scope, rows, { ...options, retryFor }),
  };
}

interface SendOptions {
  readonly key: string;
  readonly concurrency: number;
  readonly replayAs?: 'champion' | 'canary';
  readonly retryFor: number;
}

async function send(
  live: LiveGateways,
  scope: Scope,
  rows: readonly InferenceRow[],
  options: SendOptions,
): Promise<SentRows> {
  const path = `/v2/models/${scope.model}/infer`;
  const headers = headersOf(scope, options.key);
  // The first failure aborts all requests under way: the caller gets one error, and no request continues after it.
  const ended = new AbortController();
  let started = 0;
  let answered = 0;
  let unanswered = 0;
  const refused: RefusedRow[] = [];
  const lane = async (): Promise<void> => {
    for (let row = rows[started++]; row !== undefined && !ended.signal.aborted; row = rows[started++]) {
      const body = inferenceBody(row, options.replayAs);
      const attempt = async (): Promise<GatewayAnswer> =>
        post({ url: at(await live.next(), path), headers, body, timeoutMs: rowTimeoutMs, signal: ended.signal });
      const sent = untilAnswered(attempt, options.retryFor, { signal: ended.signal, onRetry: () => live.forget() });
      const failure = await failureOfRow(sent);
      if (failure === undefined) answered += 1;
      else if (failure.code === 'prediction-invalid') unanswered += 1;
      else refused.push({ id: row.id, feature: String(failure.fields.feature), reason: failure.message });
    }
  };
  const lanes = Array.from({ length: Math.min(options.concurrency, rows.length) }, lane);
  try {
    await Promise.all(lanes);
    return { answered, unanswered, refused };
  } catch (caught) {
    ended.abort();
    await Promise.allSettled(lanes);
    throw caught;
  }
}

/**
 * Returns why this row has no answer: the model gives none, or the gateway refuses a value. Throws a failure that
 * concerns all rows.
 */
async function failureOfRow(sent: Promise<void>): Promise<PerennialError | undefined> {
  try {
    await sent;
    return undefined;
  } catch (caught) {
    if (!(caught instanceof PerennialError)) throw caught;
    const { code, fields } = caught;
    if (code === 'prediction-invalid' || (code === 'invalid-request' && fields.feature !== undefined)) return caught;
    throw caught;
  }
}

async function flush({ liveGateways, key }: HttpGatewaysSettings, scope: Scope, retryFor: number): Promise<void> {
  const leases = await liveGateways();
  if (leases.length === 0) throw absent();
  const { project, model, environment } = scope;
  const body = JSON.stringify({ project, model, environment });
  const headers = headersOf(scope, key());
  await Promise.all(
    leases.map(async ({ id, address }) => {
      const attempt = async (): Promise<GatewayAnswer> => {
        // A gateway without a lease will not answer. It flushed what it could when it stopped.
        const stillLive = (await liveGateways()).some((lease) => lease.id === id);
        return stillLive ? post({ url: at(address, '/v1/flush'), headers, body, timeoutMs: flushTimeoutMs }) : gone;
      };
      await untilAnswered(attempt, retryFor, {});
    }),
  );
}

const gone: GatewayAnswer = { status: 204, code: undefined, text: '' };

function headersOf(scope: Scope, key: string): Record<string, string> {
  return {
    authorization: `Bearer ${key}`,
    'perennial-project': scope.project,
    'perennial-environment': scope.environment,
  };
}

function at(address: string, path: string): string {
  return `${address.replace(/\/+$/, '')}${path}`;
}

/**
 * Retries with growing pauses, for `retryFor` milliseconds at most, while there is no answer or the status is 503. Any
 * other failure is final.
 */
async function untilAnswered(
  attempt: () => Promise<GatewayAnswer>,
  retryFor: number,
  { signal, onRetry }: { readonly signal?: AbortSignal; readonly onRetry?: () => void },
): Promise<void> {
  const giveUpAt = performance.now() + retryFor;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
    const failure = await failureOf(attempt);
    if (failure === undefined) return;
    if (failure.status !== 503 || signal?.aborted === true || performance.now() + pauseMs > giveUpAt) throw failure;
    onRetry?.();
    await pause(pauseMs, undefined, { signal });
  }
}

async function failureOf(attempt: () => Promise<GatewayAnswer>): Promise<PerennialError | undefined> {
  try {
    const answer = await attempt();
    return answer.status >= 200 && answer.status < 300 ? undefined : refusalOf(answer);
  } catch (caught) {
    if (caught instanceof PerennialError) return caught;
    return new PerennialError(
      'gateways-absent',
      `a gateway with a live lease does not answer: ${reasonOf(caught)}; check the log of the gateway`,
      {},
      { cause: caught },
    );
  }
}

const codeOfStatus: Readonly<Record<number, PerennialError['code']>> = {
  400: 'invalid-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  503: 'model-unavailable',
};

/**
 * Returns the error with the gateway's own message. An internal error of a gateway (500) is not retried here, but the
 * caller may retry it.
 */
function refusalOf({ status, code, feature, text }: GatewayAnswer): PerennialError {
  const known =
    code !== undefined && isErrorCode(code)
      ? code
      : (codeOfStatus[status] ?? (status < 500 ? 'invalid-request' : 'internal'));
  return new PerennialError(known, `the gateway answered with status ${status}: ${messageIn(text)}`, {
    status,
    ...(feature === undefined ? {} : { feature: decodeURIComponent(feature) }),
  });
}

function messageIn(text: string): string {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string')
      return body.error;
  } catch {
    // The body is not JSON, most likely a proxy's page, so its text is the message.
  }
  return text.slice(0, 300) || 'nothing';
}
