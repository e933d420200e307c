import type { FastifyRequest } from 'fastify';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Principal, Role, Target } from '../../contracts/access/principal.ts';
import { isGranted, isGrantedWithin } from '../../contracts/access/principal.ts';
import { accessOf } from './access-table.ts';
import type { RouteContext } from '../route-context.ts';
import type { ProjectHeaders } from '../request-shapes.ts';

export type RoutedRequest = Pick<FastifyRequest, 'method' | 'routeOptions'>;

/** Requests whose role was checked. The answer of a route that did not check is never sent (`server-hooks.ts`). */
const checked = new WeakSet<object>();

export function isChecked(request: RoutedRequest): boolean {
  const access = accessOf(request);
  return access === undefined || access.to === 'anybody' || access.to === 'any key' || checked.has(request);
}

/**
 * Returns the request's principal if a grant gives the route's role (`access-table.ts`) on the target. Throws
 * `forbidden` otherwise.
 */
export function authorize(context: RouteContext, request: RoutedRequest, target: Target): Principal {
  return authorizeAny(context, request, [target]);
}

/** Like `authorize`, but a grant on any one of the targets is enough. An error names the first target. */
export function authorizeAny(
  context: RouteContext,
  request: RoutedRequest,
  targets: readonly [Target, ...Target[]],
): Principal {
  const role = roleOf(request);
  const principal = context.signedIn(request);
  checked.add(request);
  if (targets.some((target) => isGranted(principal.grants, role, target))) return principal;
  throw forbidden(principal, role, targets[0]);
}

/**
 * Like `authorize`, but a grant on anything within the target is enough. A list then shows only the rows that the
 * principal's grants cover.
 */
export function authorizeWithin(context: RouteContext, request: RoutedRequest, target: Target): Principal {
  const role = roleOf(request);
  const principal = context.signedIn(request);
  checked.add(request);
  if (isGrantedWithin(principal.grants, role, target)) return principal;
  throw forbidden(principal, role, target);
}

function roleOf(request: RoutedRequest): Role {
  const access = accessOf(request);
  if (access !== undefined && 'on' in access) return access.to;
  throw new Error(`api/access/access-table.ts names no role for ${request.method} ${request.routeOptions.url ?? ''}`);
}

function forbidden(principal: Principal, role: Role, target: Target): PerennialError {
  const where = [
    target.project && `project ${target.project}`,
    target.model && `model ${target.model}`,
    target.environment && `environment ${target.environment}`,
  ]
    .filter(Boolean)
    .join(', ');
  return new PerennialError(
    'forbidden',
    `${principal.name} needs the role ${role} on ${where || 'everything'}; an administrator can grant it`,
    { role, principal: principal.name },
  );
}

type ModelRequest = RoutedRequest & {
  readonly url: string;
  readonly headers: ProjectHeaders;
  readonly params: { readonly model: string };
  readonly query: { readonly environment: string };
};

/**
 * Returns the environment that the query or the body names. Throws `invalid-request` if they differ, because guessing
 * could change what serves in the wrong environment.
 */
function environmentOf({ url, query }: ModelRequest, inBody: string | undefined): string {
  if (inBody === undefined || inBody === query.environment) return query.environment;
  // The query's environment may be only the default value.
  const isGiven = new URL(url, 'http://localhost').searchParams.has('environment');
  if (!isGiven) return inBody;
  throw new PerennialError(
    'invalid-request',
    `the query names environment ${query.environment} and the body names ${inBody}; name the same environment in both, or only one`,
    { pointer: '/environment' },
  );
}

/** Checks the route's role on the model and environment that the request names, and returns both with the principal. */
export async function enter(
  context: RouteContext,
  request: ModelRequest,
  bodyEnvironment?: string,
): Promise<{ readonly scope: Scope; readonly principal: Principal }> {
  const project = request.headers['perennial-project'];
  const environment = environmentOf(request, bodyEnvironment);
  const principal = authorize(context, request, { project, model: request.params.model, environment });
  return { principal, scope: await context.repositories.models.scope(project, request.params.model, environment) };
}
