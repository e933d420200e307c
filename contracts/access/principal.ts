import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';

/** Each role may do all that those before it may. */
export const roles = ['viewer', 'operator', 'approver', 'admin'] as const;
export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

export function includesRole(held: Role, wanted: Role): boolean {
  return roles.indexOf(held) >= roles.indexOf(wanted);
}

/** Absent project: everything; absent model: the whole project; absent environment: all of them. */
export const Grant = z.object({
  role: Role,
  project: Name.optional(),
  model: Name.optional(),
  environment: Name.optional(),
});
export type Grant = z.infer<typeof Grant>;

export const Principal = z.object({
  id: Id,
  name: z.string().regex(/^[A-Za-z0-9._@-]{1,120}$/),
  kind: z.enum(['person', 'service']),
  grants: z.array(Grant),
  archivedAt: Instant.nullable(),
  recordedAt: Instant,
});
export type Principal = z.infer<typeof Principal>;

/** Whose eyes a list is read with: it shows the rows on which one of the grants gives a role. A Principal is one. */
export interface Viewer {
  readonly grants: readonly Grant[];
}

/** Perennial itself, which sees everything. For what it does by itself, and never for an answer to somebody. */
export const platformViewer: Viewer = { grants: [{ role: 'viewer' }] };

/** What a grant is checked against; absent fields are "whatever" (a project-wide or global act). */
export interface Target {
  readonly project?: string;
  readonly model?: string;
  readonly environment?: string;
}

/** Does one of the grants give `role` on `target`, or on something within it? For lists, which leave out the rest. */
export function isGrantedWithin(grants: readonly Grant[], role: Role, target: Target): boolean {
  const reaches = (granted: string | undefined, wanted: string | undefined) =>
    granted === undefined || wanted === undefined || granted === wanted;
  return grants.some(
    (grant) =>
      includesRole(grant.role, role) &&
      reaches(grant.project, target.project) &&
      reaches(grant.model, target.model) &&
      reaches(grant.environment, target.environment),
  );
}

/** Does one of the grants give `role` on `target`? A narrower grant never covers a wider target. */
export function isGranted(grants: readonly Grant[], role: Role, target: Target): boolean {
  return grants.some(
    (grant) =>
      includesRole(grant.role, role) &&
      (grant.project === undefined || grant.project === target.project) &&
      (grant.model === undefined || grant.model === target.model) &&
      (grant.environment === undefined || grant.environment === target.environment),
  );
}
