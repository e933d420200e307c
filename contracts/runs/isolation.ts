import { z } from 'zod';
import { Id, Instant } from '../identifiers.ts';

/** How one machine isolates the code that users wrote. */
export const Isolation = z.object({
  /**
   * `process-group`: only limits apply, and a command has the worker's rights. `refused`: no command is run, because a
   * sandbox is required and none is available.
   */
  kind: z.enum(['bubblewrap', 'process-group', 'refused']),
  /** Why bubblewrap is not used; null if it is used. */
  reason: z.string().nullable(),
  /** The mechanism that limits memory. */
  memory: z.enum(['cgroup-v2', 'cgroup-v1', 'polling']),
  /**
   * The network of a command that is granted one: a separate network through slirp4netns, or the host's network. null:
   * commands that need a network are refused.
   */
  publicNetwork: z.enum(['slirp4netns', 'host']).nullable(),
});
export type Isolation = z.infer<typeof Isolation>;

/** A worker that reported itself recently. */
export const LiveWorker = z.object({
  id: Id,
  /** The worker's host name. */
  host: z.string(),
  isolation: Isolation,
  startedAt: Instant,
  seenAt: Instant,
});
export type LiveWorker = z.infer<typeof LiveWorker>;
