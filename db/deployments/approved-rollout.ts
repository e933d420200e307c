import { and, desc, eq } from '../connection/orm.ts';
import { isAsStrict, policyIn } from '../../contracts/serving/approval-policy.ts';
import type { ApprovalSubject } from '../../contracts/serving/approval.ts';
import { canonicalJson } from '../../contracts/canonical.ts';
import type { Strategy } from '../../contracts/configuration/strategy.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Environment } from '../../contracts/serving/environment.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { shortDigest } from '../../contracts/identifiers.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { votesOf } from '../approvals/approval-rows.ts';
import { configurationOf } from '../models/configuration-of.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { decisionOf } from '../approvals/count-votes.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { readRelease } from './generations.ts';
import { found } from '../connection/not-found.ts';
import { proveRun, unproven } from '../runs/prove-run.ts';
import { approvals } from '../approvals/approval-tables.ts';
import { environments } from '../environments/environment-tables.ts';

/** What a deploy run may do according to its approval. */
export interface ApprovedRollout {
  readonly subject: ApprovalSubject;
  readonly release: Release;
  readonly strategy: Strategy;
  /** Canary weights in percent, in order. 0 is the shadow step. */
  readonly steps: readonly number[];
  readonly clock: Environment['clock'];
  readonly automated: boolean;
  readonly by: Id;
}

type Approved = typeof approvals.$inferSelect;

/**
 * Returns what the run may roll out, or throws `unproven`. The run's newest request must be approved by its own votes,
 * under a policy at least as strict as the current one, and must name exactly the run's release, this environment and
 * the release's own strategy. The caller holds the scope's lock.
 */
export async function approvedRollout(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  runId: Id,
): Promise<ApprovedRollout> {
  const { run } = await proveRun(tx, scope, runId, 'deploy');
  const approval = await approvalOf(context, tx, scope, runId);
  const { subject } = approval;
  const made = await decidedByRun(tx, scope.modelId, 'release.made', runId, { digest: subject.release });
  if (made === undefined || subject.environment !== scope.environment)
    throw unproven(
      `approval ${approval.id} is for release ${shortDigest(subject.release)} in ${subject.environment}, but run ${runId} did not make that release in ${scope.environment}`,
      runId,
    );
  const release = await readRelease(tx, String(made.releaseId));
  const { deploy } = found(
    await configurationOf(tx, release),
    `release ${shortDigest(release.digest)} has no configuration`,
    {},
  );
  if (canonicalJson(deploy.strategy) !== canonicalJson(subject.strategy))
    throw unproven(
      `the strategy in approval ${approval.id} differs from that of release ${shortDigest(release.digest)}`,
      runId,
    );
  const environment = await environmentOf(tx, scope);
  if (!isAsStrict(subject.policy, policyIn(environment, deploy.approval)))
    throw unproven(
      `approval ${approval.id} was given under a weaker policy than the current one of ${scope.environment}; deploy the version again`,
      runId,
    );
  const automated = run.request.kind === 'deploy' && run.request.automated;
  const steps = stepsOf(subject, deploy.strategy);
  const { strategy } = deploy;
  return { subject, release, strategy, steps, clock: environment.clock, automated, by: run.recordedBy };
}

async function approvalOf(context: RepositoryContext, tx: Transaction, scope: Scope, runId: Id): Promise<Approved> {
  const [approval] = await tx
    .select()
    .from(approvals)
    .where(eq(approvals.runId, runId))
    .orderBy(desc(approvals.id))
    .limit(1)
    .for('update');
  if (approval === undefined) throw unproven(`run ${runId} has not requested approval`, runId);
  const { id, status, digest, subject } = approval;
  if (status !== 'approved') throw unproven(`approval ${id} is ${status}, so run ${runId} may not roll out`, runId);
  if (digest !== sha256OfJson(subject))
    throw unproven(`the digest ${digest} of approval ${id} does not match its content`, runId);
  const cast = (await votesOf(tx, [id])).get(id) ?? [];
  const counted = decisionOf(approval, cast, await environmentNow(context, tx, scope));
  if (counted?.status !== 'approved' || cast.some((vote) => vote.digest !== digest))
    throw unproven(`approval ${id} is marked as approved, but its votes do not approve it`, runId);
  return approval;
}

async function environmentOf(tx: Transaction, { project, environment }: Scope) {
  const [row] = await tx
    .select({ clock: environments.clock, minimumPolicy: environments.minimumPolicy })
    .from(environments)
    .where(and(eq(environments.project, project), eq(environments.name, environment)));
  return found(row, `project ${project} has no environment ${environment}`, { project, environment });
}

/** A first release has no champion to compare with, so it goes straight to 100 %. */
function stepsOf({ champion }: ApprovalSubject, { shadow, canary }: Strategy): readonly number[] {
  if (champion === null) return [100];
  return shadow === undefined ? canary : [0, ...canary];
}
