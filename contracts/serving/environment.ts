import { z } from 'zod';
import { Id, Instant, Name } from '../identifiers.ts';
import { Duration } from '../time/duration.ts';
import { Role } from '../access/principal.ts';

/** How many votes a release needs, and from which roles. Durations are measured on the environment's clock. */
export const ApprovalPolicy = z.strictObject({
  votes: z.number().int().min(0).max(20).describe('How many people must approve'),
  roles: z.array(Role).min(1).describe('The roles that may vote'),
  requesterMayVote: z.boolean().describe('Whether the requester may vote'),
  lastCommitterMayVote: z
    .boolean()
    .optional()
    .describe(
      'Whether the principal who recorded the training code of the release may vote; when absent, requesterMayVote applies',
    ),
  expires: Duration.describe('Time after which an undecided request is closed; a reminder is sent after half of it'),
});
export type ApprovalPolicy = z.infer<typeof ApprovalPolicy>;

export const Environment = z.object({
  project: Name,
  name: Name,
  clock: z.enum(['wall', 'virtual']),
  /** The current time of the virtual clock; null for wall clocks. */
  virtualNow: Instant.nullable(),
  minimumPolicy: ApprovalPolicy.nullable(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type Environment = z.infer<typeof Environment>;
