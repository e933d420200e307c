import { Option } from 'commander';
import { Approval, ApprovalStatus } from '../../contracts/serving/approval.ts';
import { Evidence } from '../../contracts/serving/approval-evidence.ts';
import type { ApiClient } from '../api-client.ts';
import { idArgument, limitOption } from '../arguments.ts';
import { confirmChange } from '../confirm.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf } from '../cli-context.ts';
import { downloadTo, refuseToOverwrite } from '../files/download.ts';
import { describeApproval } from '../views/evidence-view.ts';
import { listUpTo } from '../views/lists.ts';
import type { VerbRegistry } from '../verb.ts';
import { decimals } from '../verb.ts';

interface ListOptions {
  readonly status: string;
  readonly all?: boolean;
  readonly limit: number;
}

export function approvalVerbs(registry: VerbRegistry): void {
  listVerb(registry);
  for (const decision of ['approve', 'reject'] as const) voteVerb(registry, decision);
}

function listVerb({ program, act }: VerbRegistry): void {
  const approvals = program
    .command('approvals')
    .description('list approval requests of all models and environments; --model and --environment restrict the list')
    .addOption(
      new Option('--status <status>', 'list only requests with this status')
        .choices(ApprovalStatus.options)
        .default('pending'),
    )
    .option('--all', 'list requests of every status')
    .addOption(limitOption(50))
    .addHelpText('after', '\nExamples:\n  perennial approvals\n  perennial approvals --all --model bike-demand')
    .action(
      act(async (context, { status, all, limit }: ListOptions) => {
        const { model, environmentGiven: environment } = context.options;
        const page = await listUpTo(context, apiOf(context), '/v1/approvals', Approval, {
          limit,
          query: { model, environment, status: all === true ? undefined : status },
        });
        context.output.data(page, () => describeList(context, page.items));
        if (page.items.length > 0) context.output.note('perennial approvals show ID shows the evidence of a request');
      }),
    );

  approvals
    .command('show')
    .description(
      'show an approval request with its evidence: gates, the champion, slices, what would be replaced, votes',
    )
    .argument('<id>', 'id of the approval request', idArgument('approvals'))
    .option(
      '--html <file>',
      'write the complete evidence to one HTML page: rows that change, data, code, lineage, traffic plan',
    )
    .option('--force', 'overwrite an existing file')
    .addHelpText(
      'after',
      '\nExamples:\n  perennial approvals show 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10\n  perennial approvals show 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10 --html evidence.html',
    )
    .action(
      act(async (context, id: string, { html, force }: { html?: string; force?: boolean }) => {
        const api = apiOf(context);
        if (html !== undefined) return writePage(context, api, id, html, force === true);
        const approval = await approvalOf(api, id);
        const gathered = await evidenceOf(api, id);
        context.output.data(approval, () =>
          describeApproval(context.output, approval, gathered, context.output.dataColours),
        );
      }),
    );
}

async function writePage(
  { output }: CliContext,
  api: ApiClient,
  id: string,
  file: string,
  overwrite: boolean,
): Promise<void> {
  await refuseToOverwrite(file, overwrite);
  const bytes = await downloadTo(file, await api.download(`/v1/approvals/${id}/evidence.html`), () => {});
  output.data({ file, bytes }, () => `${file}: the evidence of request ${id}; open the file in a browser`);
}

function voteVerb({ program, act }: VerbRegistry, decision: 'approve' | 'reject'): void {
  program
    .command(decision)
    .description(
      decision === 'approve'
        ? 'approve a request after showing its evidence; the vote is bound to the digest of the request, and the last required vote starts the deployment'
        : 'reject a request after showing its evidence; the vote is bound to the digest of the request, and what serves does not change',
    )
    .argument('<id>', 'id of the approval request', idArgument('approvals'))
    .option('--comment <text>', 'the reason, which is stored with the vote', '')
    .option('--digest <digest>', 'refuse the vote unless the request has this digest')
    .addHelpText(
      'after',
      `\nExample:\n  perennial ${decision} 0193e2c8-7b1c-7d4e-9f6a-2f1f4c3b2a10 --comment "${decision === 'approve' ? 'gain holds on every slice' : 'holidays got worse'}"`,
    )
    .action(
      act(async (context, id: string, options: { comment: string; digest?: string }) => {
        const api = apiOf(context, 'approver');
        const asked = await approvalOf(api, id);
        const evidence = describeApproval(context.output, asked, await evidenceOf(api, id), context.output.colours);
        // A decided request takes no more votes, and the API's error explains that better than a question would.
        if (decision === 'approve' && asked.status === 'pending') await confirmChange(context, evidence);
        else context.output.note(evidence);
        const voted = await api.send('POST', `/v1/approvals/${id}/votes`, Approval, {
          decision,
          digest: options.digest ?? asked.digest,
          comment: options.comment,
        });
        context.output.data(voted, () => describeVote(voted, decision));
      }),
    );
}

function describeVote({ votes, subject }: Approval, decision: 'approve' | 'reject'): string {
  if (decision === 'reject') return 'rejected';
  return `approved: ${votes.filter((vote) => vote.decision === 'approve').length} of ${subject.policy.votes} votes`;
}

/** Fetches the evidence, which is too long to be included in lists of requests. */
function evidenceOf(api: ApiClient, id: string): Promise<Evidence> {
  return api.get(`/v1/approvals/${id}/evidence`, Evidence);
}

function approvalOf(api: ApiClient, id: string): Promise<Approval> {
  return api.get(`/v1/approvals/${id}`, Approval);
}

function describeList({ output }: CliContext, approvals: readonly Approval[]): string {
  return output.table(
    ['id', 'model', 'environment', 'version', 'replaces', 'gain', 'status', 'votes', 'expires'],
    approvals.map((a) => [
      a.id,
      a.model,
      a.environment,
      a.evidence.modelVersion,
      a.evidence.championVersion ?? '–',
      decimals(a.evidence.evaluation.gain, 4),
      a.status,
      `${a.votes.length} of ${a.subject.policy.votes}`,
      a.expiresAt,
    ]),
  );
}
