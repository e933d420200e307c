import { shortDigest } from '../../contracts/identifiers.ts';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { Generation } from '../../contracts/serving/deployment.ts';
import { Evaluation } from '../../contracts/models/evaluation.ts';
import { PerennialError } from '../../contracts/errors.ts';
import { ChainPoint } from '../../contracts/ledger/ledger-chain.ts';
import { Head } from '../../contracts/pipelines/rollback-runs.ts';
import type { ApiClient } from '../api-client.ts';
import { instant, wholeNumber } from '../arguments.ts';
import { confirmChange } from '../confirm.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelOf, modelPath } from '../cli-context.ts';
import { followDeployment } from '../following/follow-deployment.ts';
import { releaseBefore, releaseNamed } from '../rollback-target.ts';
import { outcomeOf } from '../views/run-view.ts';
import type { VerbRegistry } from '../verb.ts';
import { detachOption, startAndFollow, startRun, tellDetached } from '../verb.ts';

const Deployments = z.object({ generation: Generation.nullable(), history: z.array(Generation) }).loose();
type Deployments = z.infer<typeof Deployments>;
const Evaluated = z.object({ evaluation: Evaluation.nullable() }).loose();
const Served = z
  .object({
    at: z.string(),
    decided: Generation.extend({ decidedBy: z.object({ name: z.string() }).loose() })
      .loose()
      .nullable(),
    proof: z.discriminatedUnion('verified', [
      z.object({ verified: z.literal(true), head: ChainPoint.nullable(), signedAt: z.string().nullable() }),
      z.object({ verified: z.literal(false), reason: z.string() }),
    ]),
    observed: z.array(z.object({ gatewayId: z.string(), generation: z.number(), since: z.string() })),
  })
  .loose();

export function deployVerbs(registry: VerbRegistry): void {
  deployVerb(registry);
  rollbackVerb(registry);
  resumeVerb(registry);
  servedVerb(registry);
}

function deployVerb({ program, act }: VerbRegistry): void {
  program
    .command('deploy')
    .description('deploy a version: approval, canary, promotion')
    .argument('<version>', 'number of the model version', wholeNumber)
    .option('--detach', 'do not wait for the approval')
    .addHelpText('after', '\nExamples:\n  perennial deploy 3\n  perennial deploy 3 --yes --detach')
    .action(
      act(async (context, version: number, options: { detach?: boolean }) => {
        const api = apiOf(context);
        const serving = await deploymentsOf(context, api);
        const to = await candidateOf(context, api, version, serving);
        await confirmChange(context, `${where(context)}: ${servingIn(serving)} → ${to}`);
        const run = await startRun(api, modelPath(context, '/deployments'), { version }, context.options.environment);
        await followDeployment(context, api, run, { version, detach: options.detach });
      }),
    );
}

function rollbackVerb({ program, act }: VerbRegistry): void {
  program
    .command('rollback')
    .description(
      'make the previous release, or the one that --to names, serve again; automatic promotion is on hold until perennial resume',
    )
    .option(
      '--to <release>',
      'the number of a version that served, or at least the first 8 characters of the digest of a release',
    )
    .option(
      '--with <heads>',
      'also roll back these inputs of the next build: data, code or config, separated by commas',
      headsIn,
    )
    .requiredOption('--reason <text>', 'the reason, which is recorded in the ledger')
    .option(...detachOption)
    .addHelpText(
      'after',
      '\nExamples:\n  perennial rollback --reason "answers are off since 14:05"\n  perennial rollback --to 3 --with data --reason "4 and 5 were trained on broken data"',
    )
    .action(
      act(async (context, options: { to?: string; with?: Head[]; reason: string; detach?: boolean }) => {
        const api = apiOf(context);
        const serving = await deploymentsOf(context, api);
        const to = options.to === undefined ? undefined : releaseNamed(options.to, serving.history);
        const { with: heads, reason } = options;
        const back = heads === undefined ? '' : `, and the heads of ${heads.join(', ')} are rolled back too`;
        await confirmChange(context, `${where(context)}: ${servingIn(serving)} → ${targetIn(serving, to)}${back}`);
        const body = { to, with: heads, reason };
        const path = modelPath(context, '/rollback');
        if (options.detach === true)
          return tellDetached(context, await startRun(api, path, body, context.options.environment));
        const run = await startAndFollow(context, api, path, body);
        context.output.data(run.outcome, () => outcomeOf(run));
      }),
    );
}

function headsIn(text: string): Head[] {
  return text.split(',').map((word) => {
    const head = Head.safeParse(word.trim());
    if (!head.success) throw new InvalidArgumentError(`"${word}" is not one of ${Head.options.join(', ')}.`);
    return head.data;
  });
}

function resumeVerb({ program, act }: VerbRegistry): void {
  program
    .command('resume')
    .description('let automation promote again after a rollback')
    .requiredOption('--reason <text>', 'the reason, which is recorded in the ledger')
    .addHelpText('after', '\nExample:\n  perennial resume --reason "the broken station is repaired"')
    .action(
      act(async (context, { reason }: { reason: string }) => {
        const { environment } = context.options;
        const answer = await apiOf(context).send(
          'POST',
          modelPath(context, '/resume'),
          z.unknown(),
          { reason },
          { environment },
        );
        context.output.data(answer, () => `automatic promotion is enabled again for ${where(context)}`);
      }),
    );
}

function servedVerb({ program, act }: VerbRegistry): void {
  program
    .command('served')
    .description('show what served at an instant, as decided and as loaded by the gateways')
    .option('--at <instant>', 'the instant in ISO 8601 (default: now)', instant)
    .addHelpText('after', '\nExample:\n  perennial served --at 2026-11-17T14:05:00Z')
    .action(
      act(async (context, { at }: { at?: string }) => {
        const { environment } = context.options;
        const served = await apiOf(context).get(modelPath(context, '/served'), Served, { environment, at });
        context.output.data(served, () => describeServed(context, served));
      }),
    );
}

function where(context: CliContext): string {
  return `${modelOf(context)} in ${context.options.environment}`;
}

function deploymentsOf(context: CliContext, api: ApiClient): Promise<Deployments> {
  const { environment } = context.options;
  return api.get(modelPath(context, '/deployments'), Deployments, { environment });
}

function servingIn({ generation }: Deployments): string {
  if (generation === null || generation.slots.length === 0) return 'nothing';
  return generation.slots
    .map((slot) => `version ${slot.modelVersionNumber} (${slot.role}, ${slot.weight} %)`)
    .join(' + ');
}

function targetIn({ history }: Deployments, digest: string | undefined): string {
  if (digest === undefined) {
    const before = releaseBefore(history);
    return before === undefined ? 'the previous release' : `version ${before.modelVersionNumber}`;
  }
  const slot = history.flatMap(({ slots }) => slots).find(({ releaseDigest }) => releaseDigest === digest);
  return `${slot === undefined ? '' : `version ${slot.modelVersionNumber}, `}release ${shortDigest(digest)}`;
}

/**
 * Names the version for the confirmation question. Throws before asking if the version is unknown, or was rejected
 * against the current champion.
 */
async function candidateOf(
  context: CliContext,
  api: ApiClient,
  version: number,
  { generation }: Deployments,
): Promise<string> {
  const { evaluation } = await api.get(modelPath(context, `/versions/${version}`), Evaluated, {
    environment: context.options.environment,
  });
  const champion = generation?.slots.find(({ role }) => role === 'champion')?.modelVersionId ?? null;
  if (evaluation !== null && evaluation.championVersionId !== champion)
    return `version ${version}, after an evaluation against the current champion`;
  const refused =
    evaluation === null ? 'it was never evaluated in this environment' : evaluation.body.reasons.join('; ');
  if (evaluation?.body.verdict !== 'candidate')
    throw new PerennialError(
      'not-a-candidate',
      `version ${version} of ${where(context)} cannot be deployed: ${refused}; perennial versions shows the verdict on each version`,
      { version },
    );
  return `version ${version}`;
}

function describeServed(context: CliContext, { at, decided, proof, observed }: z.infer<typeof Served>): string {
  if (decided === null) return `nothing had been deployed by ${at}\n${describeProof(proof)}`;
  const slots = context.output.table(
    ['role', 'weight', 'version', 'release'],
    decided.slots.map((slot) => [
      slot.role,
      `${slot.weight} %`,
      slot.modelVersionNumber,
      shortDigest(slot.releaseDigest),
    ]),
  );
  const gateways =
    observed.length === 0
      ? 'no gateway had reported a loaded generation'
      : context.output.table(
          ['gateway', 'generation', 'since'],
          observed.map((seen) => [seen.gatewayId, seen.generation, seen.since]),
        );
  return `generation ${decided.generation} since ${decided.effectiveAt}, by ${decided.decidedBy.name}: ${decided.reason}\n${slots}\n${gateways}\n${describeProof(proof)}`;
}

function describeProof(proof: z.infer<typeof Served>['proof']): string {
  if (!proof.verified) return `NOT verified: ${proof.reason}; perennial ledger verify shows more`;
  const signed = proof.signedAt === null ? 'not signed yet' : `signed at ${proof.signedAt}`;
  return `verified by the ledger up to entry ${proof.head?.sequence ?? 0}, ${signed}`;
}
