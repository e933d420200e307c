import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';
import { judgeCanaryOf } from './judge-canary.ts';
import { judgeShadowOf } from './judge-shadow.ts';

type Judged = Pick<Parameters<DeploymentRepository['raise']>[1], 'judged' | 'remark'>;

/** Judges the run's current canary or shadow again. After a shadow step the remark holds its report. */
export async function judgeStepBefore(deps: ActivityDependencies, scope: Scope, runId: Id): Promise<Judged> {
  const current = await deps.repositories.deployments.current(scope);
  const slot = current?.slots.find(({ role }) => role !== 'champion');
  if (current?.runId !== runId || slot === undefined) return { judged: null };
  const { generation } = current;
  const step = { generation, releaseDigest: slot.releaseDigest };
  if (slot.role === 'canary') {
    const judged = await judgeCanaryOf(deps, scope, { ...step, withMetric: true });
    return { judged: { generation, ...judged } };
  }
  const judged = await judgeShadowOf(deps, scope, step);
  return { judged: { generation, ...judged }, remark: judged.reason };
}
