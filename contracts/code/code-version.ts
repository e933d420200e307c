import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/**
 * The content of a CodeVersion. The digest of its canonical JSON is its identity.
 * `archive` is a canonical tar: entries sorted by path, mode 0644 or 0755, without owners, times and links.
 */
export const CodeManifest = z.object({
  schemaVersion: z.literal(1),
  archive: Sha256,
  command: z.array(z.string()).min(1),
  /**
   * The lock file's path in the archive and the digest of the lock. null: the installed interpreter is used as it is.
   * `resolvedFrom` is the digest of that lock file if it has no hashes; `lock` is then a separate blob, resolved from
   * that file.
   */
  environment: z.object({ path: z.string(), lock: Sha256, resolvedFrom: Sha256.optional() }).nullable(),
  /** Omitted instead of false, so that the digests of older manifests stay the same. */
  allowBuilds: z.literal(true).optional(),
  network: z.boolean(),
  validation: z.boolean(),
});
export type CodeManifest = z.infer<typeof CodeManifest>;

/** Where the files of the version first came from. The same files from another origin are the same version. */
export const CodeOrigin = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('folder'),
    files: z.number().int(),
    bytes: z.number().int(),
    /** The commit of the folder's checkout, and whether files differed from it. */
    gitCommit: z.string().optional(),
    dirty: z.boolean().optional(),
  }),
  z.object({
    kind: z.literal('git'),
    files: z.number().int(),
    bytes: z.number().int(),
    url: z.string(),
    ref: z.string(),
    path: z.string(),
    /** The commit that the ref pointed to when it was fetched. */
    gitCommit: z.string(),
    submodules: z.array(z.object({ path: z.string(), url: z.string(), commit: z.string() })),
  }),
]);
export type CodeOrigin = z.infer<typeof CodeOrigin>;

export const CodeVersion = z.object({
  id: Id,
  modelId: Id,
  number: z.number().int(),
  digest: Sha256,
  manifest: CodeManifest,
  origin: CodeOrigin,
  runId: Id,
  recordedAt: Instant,
  recordedBy: Id,
});
export type CodeVersion = z.infer<typeof CodeVersion>;
