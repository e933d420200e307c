import { z } from 'zod';
import { Approval } from '../../contracts/approval.ts';
import { Generation } from '../../contracts/deployment.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Run } from '../../contracts/run.ts';
import type { ApiClient } from '../api-client.ts';
import { confirmChange } from '../confirm.ts';
import type { CliContext } from '../context.ts';
import { apiOf, modelOf, modelPath } from '../context.ts';
import { followRun, mustHaveSucceeded } from '../follow-run.ts';
import type { VerbRegistry } from '../verb.ts';
import { decimals, pageSchema, short, startAndFollow, startRun } from '../verb.ts';

const Deployments = z
  .object({ generation: Generation.nullable(), hold: z.string().nullable(), history: z.array(Generation) })
  .loose();
const Served = z
  .object({
    at: z.string(),
    decided: Generation.extend({ decidedBy: z.object({ name: z.string() }).loose() })
      .loose()
      .nullable(),
    observed: z.array(z.object({ gatewayId: z.string(), generation: z.number(), since: z.string() })),
  })
  .loose();

export function deployVerbs({ program, act }: VerbRegistry): void {
  program
    .command('deploy')
    .description('deploy a version: approval, canary, promotion')
    .argument('<version>', 'number')
    .option('--detach', 'do not wait for its approval')
    .addHelpText('after', '\nExample:\n  perennial deploy 3 --yes')
    .action(
      act(async (context, version: string, options: { detach?: boolean }) => {
        const api = apiOf(context);
        await confirmChange(
          context,
          `${modelOf(context)} in ${context.options.environment}: ${await servingNow(context, api)} → version ${version}`,
        );
        const run = await startRun(
          api,
          modelPath(context, '/deployments'),
          { version: Number(version) },
          context.options.environment,
        );
        const seen = await followRun(context, api, run.id, { logs: false, untilApproval: true });
        if (seen.state === 'awaiting-approval')
          context.output.note(`waits for approval ${seen.approvalId}: perennial approve ${seen.approvalId}`);
        const ended =
          seen.state === 'awaiting-approval' && options.detach !== true
            ? await followRun(context, api, run.id, { logs: false })
            : seen;
        context.output.data(ended, () => describeDeployment(ended));
        if (ended.state !== 'awaiting-approval') mustBePromoted(mustHaveSucceeded(ended));
      }),
    );

  program
    .command('rollback')
    .description('the release before, or a named one, serves again; automatic promotion is held until resume')
    .option('--to <digest>', 'a release by its digest')
    .option('--with <heads>', 'data,code,config: move those heads back too (not built yet)')
    .requiredOption('--reason <text>', 'why; it goes into the ledger')
    .addHelpText('after', '\nExample:\n  perennial rollback --reason "answers are off since 14:05" --yes')
    .action(
      act(async (context, options: { to?: string; with?: string; reason: string }) => {
        const api = apiOf(context);
        await confirmChange(
          context,
          `${modelOf(context)} in ${context.options.environment}: ${await servingNow(context, api)} → ${options.to === undefined ? 'the release before' : short(options.to)}`,
        );
        const run = await startAndFollow(context, api, modelPath(context, '/rollback'), {
          to: options.to,
          with: options.with?.split(','),
          reason: options.reason,
        });
        context.output.data(run.outcome, () =>
          run.outcome.kind === 'rollback'
            ? `generation ${run.outcome.generation} serves; promotion is on hold until perennial resume`
            : '',
        );
      }),
    );

  program
    .command('resume')
    .description('let automation promote again after a rollback')
    .requiredOption('--reason <text>', 'why; it goes into the ledger')
    .action(
      act(async (context, options: { reason: string }) => {
        const answer = await apiOf(context).send(
          'POST',
          modelPath(context, '/resume'),
          z.unknown(),
          { reason: options.reason },
          { environment: context.options.environment },
        );
        context.output.data(answer, () => `${modelOf(context)} in ${context.options.environment} promotes again`);
      }),
    );

  program
    .command('served')
    .description('what served at an instant, as decided and as the gateways had it')
    .option('--at <instant>', 'ISO 8601 (default: now)')
    .addHelpText('after', '\nExample:\n  perennial served --at 2026-11-17T14:05:00Z')
    .action(
      act(async (context, options: { at?: string }) => {
        const served = await apiOf(context).get(modelPath(context, '/served'), Served, {
          environment: context.options.environment,
          at: options.at,
        });
        context.output.data(served, () => describeServed(context, served));
      }),
    );
}

async function servingNow(context: CliContext, api: ApiClient): Promise<string> {
  const { generation } = await api.get(modelPath(context, '/deployments'), Deployments, {
    environment: context.options.environment,
  });
  if (generation === null || generation.slots.length === 0) return 'nothing';
  return generation.slots
    .map((slot) => `version ${slot.modelVersionNumber} (${slot.role}, ${slot.weight} %)`)
    .join(' + ');
}

function describeDeployment(run: Run): string {
  if (run.state === 'awaiting-approval') return `approval ${run.approvalId} is pending`;
  if (run.state !== 'succeeded' || run.outcome.kind !== 'deploy') return `the deployment is ${run.state}`;
  const why = run.outcome.reasons.length === 0 ? '' : `: ${run.outcome.reasons.join('; ')}`;
  return `${run.outcome.decision}${run.outcome.generation === null ? '' : ` in generation ${run.outcome.generation}`}${why}`;
}

function mustBePromoted({ outcome }: Run & { state: 'succeeded' }): void {
  if (outcome.kind !== 'deploy' || outcome.decision === 'promoted') return;
  throw new PerennialError(
    'conflict',
    `it was not promoted but ${outcome.decision}: ${outcome.reasons.join('; ')}`,
    {},
  );
}

function describeServed(context: CliContext, { at, decided, observed }: z.infer<typeof Served>): string {
  if (decided === null) return `nothing had been deployed by ${at}`;
  const slots = context.output.table(
    ['role', 'weight', 'version', 'release'],
    decided.slots.map((slot) => [slot.role, `${slot.weight} %`, slot.modelVersionNumber, short(slot.releaseDigest)]),
  );
  const gateways =
    observed.length === 0
      ? 'no gateway had said that it loaded anything'
      : context.output.table(
          ['gateway', 'generation', 'since'],
          observed.map((seen) => [seen.gatewayId, seen.generation, seen.since]),
        );
  return `generation ${decided.generation} since ${decided.effectiveAt}, by ${decided.decidedBy.name}: ${decided.reason}\n${slots}\n${gateways}`;
}

export function approvalVerbs({ program, act }: VerbRegistry): void {
  program
    .command('approvals')
    .description('requests for approval')
    .option('--status <status>', 'pending, approved, rejected, expired or superseded', 'pending')
    .option('--all', 'whatever their status')
    .action(
      act(async (context, options: { status: string; all?: boolean }) => {
        const page = await apiOf(context).get('/v1/approvals', pageSchema(Approval), {
          status: options.all === true ? undefined : options.status,
          model: context.options.model,
        });
        context.output.data(page, () =>
          context.output.table(
            ['id', 'model', 'environment', 'version', 'replaces', 'gain', 'status', 'votes', 'expires'],
            page.items.map((a) => [
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
          ),
        );
      }),
    );

  for (const decision of ['approve', 'reject'] as const) {
    program
      .command(decision)
      .description(`${decision} a request, by the digest that is shown`)
      .argument('<id>', 'of the request')
      .option('--comment <text>', 'why', '')
      .option('--digest <digest>', 'refuse unless the request has this digest')
      .addHelpText('after', `\nExample:\n  perennial ${decision} 0193e2c8-… --comment "gain holds on every slice"`)
      .action(
        act(async (context, id: string, options: { comment: string; digest?: string }) => {
          const api = apiOf(context, 'approver');
          const asked = await api.get(`/v1/approvals/${id}`, Approval);
          context.output.note(describeEvidence(context, asked));
          const voted = await api.send('POST', `/v1/approvals/${id}/votes`, Approval, {
            decision,
            digest: options.digest ?? asked.digest,
            comment: options.comment,
          });
          context.output.data(
            voted,
            () =>
              `${decision === 'approve' ? 'approved' : 'rejected'}: ${voted.votes.length} of ${voted.subject.policy.votes} votes`,
          );
        }),
      );
  }
}

function describeEvidence(context: CliContext, { evidence, model, environment, digest }: Approval): string {
  const { evaluation } = evidence;
  const gates = context.output.table(
    ['gate', 'verdict', 'value', 'threshold', 'n'],
    evaluation.gates.map((gate) => [
      gate.gate,
      gate.verdict,
      decimals(gate.value, 4),
      decimals(gate.threshold, 4),
      gate.n,
    ]),
  );
  const replaces = evidence.championVersion === null ? 'the first' : `replaces version ${evidence.championVersion}`;
  return `${model} in ${environment}: version ${evidence.modelVersion} (${replaces}), data ${evidence.dataset}, code ${evidence.code}, digest ${short(digest)}\n${gates}`;
}
