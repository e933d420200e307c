import { z } from 'zod';

/** SHA-256 in lower-case hexadecimal, the identity of everything that is immutable. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');
export type Sha256 = z.infer<typeof Sha256>;

/** UUID version 7: time-ordered, made by `ports/ids.ts`. */
export const Id = z.uuid();
export type Id = z.infer<typeof Id>;

/** Names of models, projects, environments and schedules. */
export const Name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 characters of a-z, 0-9 and -, not beginning with -');
export type Name = z.infer<typeof Name>;

/** An instant in UTC, ISO 8601 with milliseconds: `2012-01-01T05:00:00.000Z`. */
export const Instant = z.iso.datetime({ precision: 3 });
export type Instant = z.infer<typeof Instant>;

/** An instant as a caller may write it, with any UTC offset and any precision. It is parsed into an `Instant`. */
export const InstantInput = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .pipe(Instant);

/** One model in one environment. Everything that changes over time belongs to a scope. */
export const Scope = z.object({
  project: Name,
  model: Name,
  modelId: Id,
  environment: Name,
});
export type Scope = z.infer<typeof Scope>;

/**
 * Returns the label of a scope in messages and workflow ids: `bike-demand/production`, or
 * `pricing/bike-demand/production` in the project `pricing`. The project `default` is omitted.
 */
export function scopeLabel(scope: Pick<Scope, 'project' | 'model' | 'environment'>): string {
  const prefix = scope.project === 'default' ? '' : `${scope.project}/`;
  return `${prefix}${scope.model}/${scope.environment}`;
}

/** One page of a list. `next` is the cursor of the next page; it is absent on the last page. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

export const PageRequest = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type PageRequest = z.infer<typeof PageRequest>;

/**
 * Returns the first 12 digits of a digest, for display. Releases are displayed by digest because a release number could
 * be mistaken for a model version's number.
 */
export function shortDigest(digest: Sha256): string {
  return digest.slice(0, 12);
}
