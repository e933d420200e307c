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
  environment: Name.default('production').describe(
    'The environment that the configuration is applied to, unless the command or request names another',
  ),
  approval: Approval.prefault({}).describe(
    'The approval that a release needs before it serves; the stricter of this policy and the minimum policy of the environment applies',
  ),
  strategy: Strategy.prefault({}).describe('How a release is rolled out'),
  routingKey: z
    .string()
    .regex(/^parameters\.[A-Za-z0-9_]{1,64}$/, 'expected a request parameter, such as parameters.user')
    .optional()
    .describe(
      'The request parameter whose hash decides whether the canary answers a request; when absent, each request is assigned at random',
    ),
  notify: z
    .array(Name)
    .max(20)
    .default([])
    .describe(
      `Names of connections of kind ${inWords(notifierKindNames, 'or')} that are notified of each approval request, and reminded of it`,
    ),
});
