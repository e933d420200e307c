import type { FastifyRequest } from 'fastify';
import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { Principal, Role, Target } from '../../contracts/access/principal.ts';
import { isGranted, isGrantedWithin } from '../../contracts/access/principal.ts';
import { accessOf } from './access-table.ts';
import type { RouteContext } from '../route-context.ts';
import type { ProjectHeaders } from '../request-shapes.ts';

export type RoutedRequest = Pick<FastifyRequest, 'method' | 'routeOptions'>;

/** Requests whose right was checked. What a route answers without having checked is never sent (`server-hooks.ts`). */
const checked = new WeakSet<object>();

export function isChecked(request: RoutedRequest): boolean {
  const access = accessOf(request);
  return access === undefined || access.to === 'anybody' || access.to === 'any key' || checked.has(request);
}

/** The principal of the request, if a grant gives the role of the route (`access-table.ts`) on the target; else `forbidden`. */
export function authorize(context: RouteContext, request: RoutedRequest, target: Target): Principal {
  return authorizeAny(context, request, [target]);
}

/** Like `authorize`, where a right on either of several things is enough. The first is the one that a refusal names. */
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

/** Like `authorize` for what concerns anything within the target. A list then shows the principal's own part of it. */
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

/** Two that differ are a mistake, and which of them was meant is not to be guessed where it says what serves. */
function environmentOf({ url, query }: ModelRequest, inBody: string | undefined): string {
  if (inBody === undefined || inBody === query.environment) return query.environment;
  // The query has one by default as well.
  const isGiven = new URL(url, 'http://localhost').searchParams.has('environment');
  if (!isGiven) return inBody;
  throw new PerennialError(
    'invalid-request',
    `the query names environment ${query.environment} and the body ${inBody}: name one, or the same`,
    { pointer: '/environment' },
  );
}

/** The model and environment that a request names, and whose request it is, once the role of the route is checked there. */
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
