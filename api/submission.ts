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

/** A key holds for its principal, project and path; what it was used for is told by the query and body. */
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

/** Writes the command, then wakes the lifecycle. Once written it is not lost, whatever becomes of the waking. */
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

/** `submitCommand` for the commands that make a run. */
export async function submitRun(
  context: RouteContext,
  request: StartRequest,
  scope: Scope,
  body: Extract<CommandBody, { kind: 'run' }>,
): Promise<{ readonly run: Run }> {
  const { id, runId } = await submitCommand(context, request, scope, body);
  if (runId === null) throw new PerennialError('internal', `the command ${id} made no run`);
  return { run: await context.repositories.runs.get(runId) };
}

export function wakeLifecycle(
  context: Pick<ApiDependencies, 'workflowClient' | 'logger'>,
  scope: Scope,
): Promise<void> {
  return tryFor(
    context,
    `the lifecycle of ${scopeLabel(scope)} could not be woken; its commands are kept and sent again`,
    () => context.workflowClient.advance(scope),
  );
}

/** Waits for a wake-up call for at most a second, and never fails: what it is about stands in the database. */
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
