import { z } from 'zod';
import { Id, Instant } from '../identifiers.ts';

/** What keeps apart what a user wrote, on one machine. */
export const Isolation = z.object({
  /**
   * `process-group`: nothing but limits; a command has the rights of the worker. `refused`: nothing is run, as a sandbox is
   * required and there is none.
   */
  kind: z.enum(['bubblewrap', 'process-group', 'refused']),
  /** Why there is no bubblewrap; null where there is. */
  reason: z.string().nullable(),
  /** What bounds memory. */
  memory: z.enum(['cgroup-v2', 'cgroup-v1', 'polling']),
  /** What code that is given a network has: one of its own, the machine's, or null: it is refused. */
  publicNetwork: z.enum(['slirp4netns', 'host']).nullable(),
});
export type Isolation = z.infer<typeof Isolation>;

/** A worker that has been heard of lately. */
export const LiveWorker = z.object({
  id: Id,
  /** The name of its machine. */
  host: z.string(),
  isolation: Isolation,
  startedAt: Instant,
  seenAt: Instant,
});
export type LiveWorker = z.infer<typeof LiveWorker>;
