import { z } from 'zod';
import { notifierKindNames } from '../access/notifier-kinds.ts';
import { Name } from '../identifiers.ts';
import { inWords } from '../registered-names.ts';
import { ApprovalPolicy } from '../serving/environment.ts';
import { Strategy } from './strategy.ts';

const { votes, roles, requesterMayVote, lastCommitterMayVote, expires } = ApprovalPolicy.shape;
const Approval = z.strictObject({
  votes: votes.default(1),
  roles: roles.default(['approver']),
  requesterMayVote: requesterMayVote.default(false),
  lastCommitterMayVote,
  expires: expires.default('72h'),
});

export const DeploySection = z.strictObject({
  environment: Name.default('production').describe('Where the model lives'),
  approval: Approval.prefault({}).describe(
    'What a release needs before it serves; the stricter of this and the minimum of the environment holds',
  ),
  strategy: Strategy.prefault({}).describe('How a release takes over'),
  routingKey: z
    .string()
    .regex(/^parameters\.[A-Za-z0-9_]{1,64}$/, 'names a request parameter, e.g. parameters.user')
    .optional()
    .describe('The request parameter whose hash decides who gets the canary; without it, chance for each request'),
  notify: z
    .array(Name)
    .max(20)
    .default([])
    .describe(
      `Named connections of kind ${inWords(notifierKindNames, 'or')} that are told of a request for approval, and reminded of it`,
    ),
});
