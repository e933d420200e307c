import { z } from 'zod';
import { Id, Instant, Sha256 } from '../identifiers.ts';

/**
 * What a CodeVersion is; its canonical JSON's digest is the identity.
 * `archive` is a canonical tar: entries sorted by path, mode 0644 or 0755, no owner, no time, no links.
 */
export const CodeManifest = z.object({
  schemaVersion: z.literal(1),
  archive: Sha256,
  command: z.array(z.string()).min(1),
  /**
   * The lock file's path inside the archive and the digest of the lock; null: the interpreter as it is. `resolvedFrom`: the
   * file there, of that digest, has no hashes, and the lock is what it was resolved to, a blob of its own.
   */
  environment: z.object({ path: z.string(), lock: Sha256, resolvedFrom: Sha256.optional() }).nullable(),
  /** Absent where it is false, so that manifests from before are what they were. */
  allowBuilds: z.literal(true).optional(),
  network: z.boolean(),
  validation: z.boolean(),
});
export type CodeManifest = z.infer<typeof CodeManifest>;

/** Where the files came from the first time; the same files from elsewhere are the same version. */
export const CodeOrigin = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('folder'),
    files: z.number().int(),
    bytes: z.number().int(),
    /** What the folder's checkout stood at, and whether files differed from it. */
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
    /** What the ref was when it was fetched. */
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
