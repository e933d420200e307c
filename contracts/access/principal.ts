import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';

/** Each role includes the rights of all roles before it. */
export const roles = ['viewer', 'operator', 'approver', 'admin'] as const;
export const Role = z.enum(roles);
export type Role = z.infer<typeof Role>;

export function includesRole(held: Role, wanted: Role): boolean {
  return roles.indexOf(held) >= roles.indexOf(wanted);
}

/** An absent project means all projects, an absent model the whole project, an absent environment all environments. */
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

/**
 * The reader of a list. The list shows the rows on which one of the reader's grants gives a role. Every Principal is a
 * Viewer.
 */
export interface Viewer {
  readonly grants: readonly Grant[];
}

/** Perennial itself, which may see everything. For internal work only, never for the response to a request. */
export const platformViewer: Viewer = { grants: [{ role: 'viewer' }] };

/**
 * The target of an action, against which grants are checked. An absent field means that the action is not limited to
 * one project, model or environment.
 */
export interface Target {
  readonly project?: string;
  readonly model?: string;
  readonly environment?: string;
}

/**
 * Returns whether one of the grants gives `role` on `target`, or on something within it. For lists, which omit
 * everything else.
 */
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

/** Returns whether one of the grants gives `role` on `target`. A narrower grant never covers a wider target. */
export function isGranted(grants: readonly Grant[], role: Role, target: Target): boolean {
  return grants.some(
    (grant) =>
      includesRole(grant.role, role) &&
      (grant.project === undefined || grant.project === target.project) &&
      (grant.model === undefined || grant.model === target.model) &&
      (grant.environment === undefined || grant.environment === target.environment),
  );
}
