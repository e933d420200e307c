import type { Command, CommandBody, Idempotency } from '../contracts/runs/command.ts';
import { sha256OfJson } from '../contracts/digest.ts';
import { PerennialError, reasonOf } from '../contracts/errors.ts';
import type { Scope } from '../contracts/identifiers.ts';
import { scopeLabel } from '../contracts/identifiers.ts';
import type { Run } from '../contracts/runs/run.ts';
import type { ApiDependencies } from './api-dependencies.ts';
import type { RouteContext } from './route-context.ts';

const patienceMs = 1_000;

interface StartRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly 'perennial-project': string; readonly 'idempotency-key'?: string | undefined };
  readonly query: unknown;
  readonly body: unknown;
}

/**
 * Returns the request's idempotency key, or `undefined` if there is none. A key is scoped to the principal, project and
 * path. The digest of query and body detects a key that is reused for a different request.
 */
export function idempotencyOf(request: StartRequest): Required<Idempotency> | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  const path = request.url.split('?', 1)[0] ?? request.url;
  return {
    key,
    route: `${request.method} ${path} of ${request.headers['perennial-project']}`,
    requestDigest: sha256OfJson({ query: request.query ?? null, body: request.body ?? null }),
  };
}

/** Writes the command, then wakes the lifecycle. A written command is not lost, even if waking fails. */
export async function submitCommand(
  context: RouteContext,
  request: StartRequest,
  scope: Scope,
  body: CommandBody,
): Promise<Command> {
  const command = await context.repositories.lifecycle.submit(
    scope,
    body,
    context.signedIn(request).id,
    idempotencyOf(request),
  );
  await wakeLifecycle(context, scope);
  return command;
}

/** Like `submitCommand`, for commands that create a run. */
export async function submitRun(
  context: RouteContext,
  request: StartRequest,
  scope: Scope,
  body: Extract<CommandBody, { kind: 'run' }>,
): Promise<{ readonly run: Run }> {
  const { id, runId } = await submitCommand(context, request, scope, body);
  if (runId === null) throw new PerennialError('internal', `the command ${id} created no run`);
  return { run: await context.repositories.runs.get(runId) };
}

export function wakeLifecycle(
  context: Pick<ApiDependencies, 'workflowClient' | 'logger'>,
  scope: Scope,
): Promise<void> {
  return tryFor(
    context,
    `the lifecycle of ${scopeLabel(scope)} could not be woken; its commands are stored and will be sent again`,
    () => context.workflowClient.advance(scope),
  );
}

/**
 * Makes a wake-up call and waits for at most a second. Never rejects, because the database holds the work and the call
 * is repeated later. A failure is logged with the message `otherwise`.
 */
export async function tryFor(
  { logger }: Pick<ApiDependencies, 'logger'>,
  otherwise: string,
  call: () => Promise<void>,
): Promise<void> {
  const made = call().catch((caught: unknown) => logger.warn({ reason: reasonOf(caught) }, otherwise));
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, patienceMs);
  });
  await Promise.race([made, enough]);
  clearTimeout(timer);
}
