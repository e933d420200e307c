import { z } from 'zod';
import { Id, Instant, Sha256 } from './identifiers.ts';

/**
 * What a CodeVersion is; its canonical JSON's digest is the identity.
 * `archive` is a canonical tar: entries sorted by path, mode 0644 or 0755, no owner, no time, no links.
 */
export const CodeManifest = z.object({
  schemaVersion: z.literal(1),
  archive: Sha256,
  command: z.array(z.string()).min(1),
  /** The lock file's path inside the archive and its digest; null: the interpreter as it is. */
  environment: z.object({ path: z.string(), lock: Sha256 }).nullable(),
  network: z.boolean(),
  validation: z.boolean(),
});
export type CodeManifest = z.infer<typeof CodeManifest>;

export const CodeOrigin = z.object({
  kind: z.literal('folder'),
  files: z.number().int(),
  bytes: z.number().int(),
  gitCommit: z.string().optional(),
  dirty: z.boolean().optional(),
});
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
