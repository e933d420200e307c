import { PerennialError } from '../../contracts/errors.ts';
import type { ShadowStep } from '../../contracts/configuration/strategy.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { ShadowCount } from '../../contracts/serving/prediction.ts';
import type { CanaryVerdict } from '../../contracts/pipelines/deploy-runs.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/**
 * Judges the shadow of this generation: whether it has had enough requests, and how its answers differ. For every
 * verdict, the reason contains the report.
 */
export function createJudgeShadow(deps: ActivityDependencies): Activities['judgeShadow'] {
  return ({ scope, generation, releaseDigest }) => judgeShadowOf(deps, scope, { generation, releaseDigest });
}

export async function judgeShadowOf(
  deps: ActivityDependencies,
  scope: Scope,
  { generation, releaseDigest }: { readonly generation: number; readonly releaseDigest: Sha256 },
): Promise<CanaryVerdict> {
  const { deployments, models } = deps.repositories;
  const release = await deployments.releaseByDigest(scope.modelId, releaseDigest);
  const { shadow } = (await models.configuration(release.configurationId)).configuration.deploy.strategy;
  if (shadow === undefined)
    throw new PerennialError('internal', `release ${release.number} of ${scope.model} has no shadow step`);
  const counts = await deployments.shadowed(scope, generation);
  return judgeShadow(
    counts.filter((count) => count.releaseDigest === releaseDigest),
    shadow,
  );
}

type Counted = Pick<ShadowCount, 'compared' | 'failed' | 'dropped' | 'absoluteDifference' | 'beyond'>;

/** From this many requests on, the share of failed ones decides. */
const rowsAtLeast = 20;

export function judgeShadow(counts: readonly Counted[], shadow: ShadowStep): CanaryVerdict {
  const sum = (key: keyof Counted) => counts.reduce((total, count) => total + count[key], 0);
  const compared = sum('compared');
  const failed = sum('failed');
  const asked = compared + failed;
  const beyond = compared === 0 ? 0 : sum('beyond') / compared;
  const report = describe({ compared, failed, dropped: sum('dropped'), beyond }, sum('absoluteDifference'), shadow);
  const told = { requests: compared, reason: report };
  if (asked >= rowsAtLeast && failed / asked > shadow.maxFailed) {
    const share = (failed / asked).toFixed(4);
    return {
      ...told,
      verdict: 'abort',
      reason: `the shadow failed on a share of ${share} of the rows, above maxFailed ${shadow.maxFailed}; ${report}`,
    };
  }
  const { maxShareBeyond } = shadow;
  const enough = compared >= shadow.minRows;
  if (enough && maxShareBeyond !== undefined && beyond > maxShareBeyond) {
    const reason = `a share of ${beyond.toFixed(4)} of the shadow's answers differs by more than the tolerance ${shadow.tolerance}, above maxShareBeyond ${maxShareBeyond}; ${report}`;
    return { ...told, verdict: 'abort', reason };
  }
  return { ...told, verdict: enough ? 'pass' : 'insufficient' };
}

function describe(
  { compared, failed, dropped, beyond }: Pick<Counted, 'compared' | 'failed' | 'dropped' | 'beyond'>,
  absoluteDifference: number,
  { minRows, tolerance }: ShadowStep,
): string {
  if (compared === 0) return `the shadow was compared on 0 of ${minRows} rows (${failed} failed, ${dropped} dropped)`;
  const mean = absoluteDifference / compared;
  return [
    `the shadow was compared on ${compared} rows: mean absolute difference ${mean.toPrecision(4)}`,
    `${(100 * beyond).toFixed(1)} % differ by more than ${tolerance}`,
    `${failed} failed`,
    `${dropped} dropped`,
  ].join(', ');
}
