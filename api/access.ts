import { PerennialError } from '../contracts/errors.ts';
import type { Scope } from '../contracts/identifiers.ts';
import type { Grant, Principal, Role, Target } from '../contracts/principal.ts';
import { includesRole, isGranted } from '../contracts/principal.ts';
import type { RouteContext } from './dependencies.ts';
import type { ProjectHeaders } from './request-shapes.ts';

/** Whose request it is, if a grant gives the role on the target; else `forbidden`. */
export function authorize(context: RouteContext, request: object, role: Role, target: Target): Principal {
  const principal = context.signedIn(request);
  if (!isGranted(principal.grants, role, target)) throw forbidden(principal, role, target);
  return principal;
}

/** Like `authorize` with a target inside the project left open: a grant on any model of it will do. */
export function authorizeSomewhere(context: RouteContext, request: object, role: Role, project: string): Principal {
  const principal = context.signedIn(request);
  const holds = principal.grants.some((grant) => includesRole(grant.role, role) && reaches(grant.project, project));
  if (!holds) throw forbidden(principal, role, { project });
  return principal;
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

function reaches(granted: string | undefined, wanted: string): boolean {
  return granted === undefined || granted === wanted;
}

/** May the principal see something of the model at all? For lists, which leave out what it may not. */
export function seesModel(grants: readonly Grant[], project: string, model: string): boolean {
  return grants.some((grant) => reaches(grant.project, project) && reaches(grant.model, model));
}

interface ModelRequest {
  readonly url: string;
  readonly headers: ProjectHeaders;
  readonly params: { readonly model: string };
  readonly query: { readonly environment: string };
}

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

/** The model and environment that a request names, and whose request it is, once the role is checked. */
export async function enter(
  context: RouteContext,
  request: ModelRequest,
  role: Role,
  bodyEnvironment?: string,
): Promise<{ readonly scope: Scope; readonly principal: Principal }> {
  const project = request.headers['perennial-project'];
  const environment = environmentOf(request, bodyEnvironment);
  const principal = authorize(context, request, role, { project, model: request.params.model, environment });
  return { principal, scope: await context.repositories.models.scope(project, request.params.model, environment) };
}
