import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Approval as Request } from '../../../contracts/serving/approval.ts';
import { Approval, ApprovalStatus } from '../../../contracts/serving/approval.ts';
import { Evidence } from '../../../contracts/serving/approval-evidence.ts';
import { PerennialError } from '../../../contracts/errors.ts';
import { Name, PageRequest, Sha256 } from '../../../contracts/identifiers.ts';
import type { Principal } from '../../../contracts/access/principal.ts';
import { isGranted } from '../../../contracts/access/principal.ts';
import type { RoutedRequest } from '../../access/authorize.ts';
import { authorize, authorizeWithin } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { evidenceDocument } from '../../../pages/evidence/evidence-document.ts';
import { contentSecurityPolicy, evidencePage } from '../../../pages/evidence/evidence-page.ts';
import { answersAs, IdParams, pageSchemaOf, problems, ProjectHeaders } from '../../request-shapes.ts';
import { tryFor } from '../../submission.ts';

const tags = ['approvals'];
const Filter = z.strictObject({
  ...PageRequest.shape,
  status: ApprovalStatus.optional(),
  model: Name.optional(),
  environment: Name.optional(),
});
const Ballot = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  digest: Sha256,
  comment: z.string().max(2000).default(''),
});

export function approvalRoutes(app: Api, context: RouteContext): void {
  const { approvals, runs } = context.repositories;

  app.get(
    '/v1/approvals',
    {
      schema: {
        tags,
        summary: 'List approval requests',
        headers: ProjectHeaders,
        querystring: Filter,
        response: { 200: pageSchemaOf(Approval), ...problems },
      },
    },
    async (request) => {
      const project = request.headers['perennial-project'];
      const { cursor, limit, ...filter } = request.query;
      const { model, environment } = filter;
      const principal = authorizeWithin(context, request, { project, model, environment });
      return approvals.list(principal, { project, ...filter }, { cursor, limit });
    },
  );

  app.get(
    '/v1/approvals/:id',
    {
      schema: {
        tags,
        summary: 'Get an approval request with its evidence and votes',
        params: IdParams,
        response: { 200: Approval, ...problems },
      },
    },
    async (request) => {
      const approval = await approvals.get(request.params.id);
      authorize(context, request, approval);
      return approval;
    },
  );

  app.get(
    '/v1/approvals/:id/evidence',
    {
      schema: {
        tags,
        summary: 'Get all evidence for the decision, in reading order',
        params: IdParams,
        response: { 200: Evidence, ...problems },
      },
    },
    async (request) => evidenceOf(context, request, request.params.id),
  );

  app.get(
    '/v1/approvals/:id/evidence.html',
    {
      schema: {
        tags,
        summary:
          'Get the evidence as one page with a voting form; browsers may send the key as the password of HTTP Basic',
        params: IdParams,
        response: answersAs('The page', { 'text/html': z.string() }),
      },
    },
    async (request, reply) => {
      const evidence = await evidenceOf(context, request, request.params.id);
      const nonce = randomBytes(16).toString('base64url');
      return reply
        .header('content-security-policy', `${contentSecurityPolicy(nonce)}; frame-ancestors 'none'`)
        .header('referrer-policy', 'no-referrer')
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-store')
        .type('text/html; charset=utf-8')
        .send(evidencePage(evidence, nonce));
    },
  );

  app.post(
    '/v1/approvals/:id/votes',
    {
      schema: {
        tags,
        summary: 'Vote on the digest of an approval request',
        params: IdParams,
        body: Ballot,
        response: { 200: Approval, ...problems },
      },
    },
    async (request) => {
      const approval = await approvals.get(request.params.id);
      const voter = voterOf(context, request, approval);
      const voted = await approvals.vote(approval.id, request.body, voter);
      const { workflowId } = await runs.get(approval.runId);
      await tryFor(
        context,
        'a deployment could not be notified of a vote; it will find the vote when its own timer fires',
        () => context.workflowClient.nudge(workflowId),
      );
      return voted;
    },
  );
}

async function evidenceOf(context: RouteContext, request: RoutedRequest, id: string): Promise<Evidence> {
  const { approvals, principals } = context.repositories;
  const approval = await approvals.get(id);
  authorize(context, request, approval);
  const { name } = await principals.get(approval.requestedBy);
  return evidenceDocument(approval, await approvals.details(id), name);
}

/** Returns the voter. Checks that it has a role that the policy allows to vote; the repository checks the rest. */
function voterOf(context: RouteContext, request: RoutedRequest, approval: Request): Principal {
  const principal = authorize(context, request, approval);
  const { roles } = approval.subject.policy;
  if (roles.some((role) => isGranted(principal.grants, role, approval))) return principal;
  throw new PerennialError(
    'forbidden',
    `${principal.name} may not vote on this request: the policy of ${approval.model} in ${approval.environment} requires the role ${roles.join(' or ')}`,
    { roles },
  );
}
