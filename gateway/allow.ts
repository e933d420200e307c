import type { FastifyRequest } from 'fastify';
import { Name } from '../contracts/identifiers.ts';
import type { Principal, Target } from '../contracts/access/principal.ts';
import { requireRole } from './key-table.ts';
import { refuse } from './protocols/tensor-columns.ts';

/**
 * Reads the project and environment from the request's headers. Throws `invalid-request` for a name that is not valid.
 */
export function placeOf(request: FastifyRequest): { readonly project: string; readonly environment: string } {
  return {
    project: nameIn(request, 'perennial-project', 'default'),
    environment: nameIn(request, 'perennial-environment', 'production'),
  };
}

function nameIn(request: FastifyRequest, header: string, absent: string): string {
  const given = request.headers[header];
  if (given === undefined) return absent;
  const parsed = Name.safeParse(given);
  if (!parsed.success)
    throw refuse(
      `the header ${header} is not a valid name of ${header === 'perennial-project' ? 'a project' : 'an environment'}: expected a-z, 0-9 and -`,
    );
  return parsed.data;
}

export function principalOf(request: FastifyRequest): Principal {
  return request.getDecorator<Principal>('principal');
}

/**
 * Returns the request's principal if it has the role on the target; throws `forbidden` otherwise. Routes check access
 * only through this function.
 */
export function allow(request: FastifyRequest, role: 'viewer' | 'operator', target: Target): Principal {
  const principal = principalOf(request);
  requireRole(principal, role, target);
  return principal;
}
