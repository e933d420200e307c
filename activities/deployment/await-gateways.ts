import { cancellationSignal } from '@temporalio/activity';
import { setTimeout as pause } from 'node:timers/promises';
import { PerennialError } from '../../contracts/errors.ts';
import type { Activities } from '../../contracts/pipelines/steps.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import type { DeploymentRepository } from '../../ports/repositories/deployment-repository.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/** The wait fails if a gateway has not loaded the generation within this time. */
const loadWithinMs = 60_000;
/**
 * How long one call holds its activity slot. It is longer than `failingAtMostMs`, so that one call can observe that
 * whole time.
 */
const holdMs = 6_000;
/**
 * A gateway retries every two seconds. Failures for less than this may come from a store that was briefly unavailable.
 */
const failingAtMostMs = 5_000;

interface Loading {
  readonly generation: number;
  /** How long the workflow has waited before this call. */
  readonly waitedMs: number;
}

export function createAwaitGateways(deps: ActivityDependencies): Activities['awaitGateways'] {
  return ({ scope, generation, waitedMs }) => awaitGateways(deps, scope, { generation, waitedMs });
}

/**
 * Waits until every gateway with a live lease has loaded the generation, and at least one gateway has. Acknowledgements
 * wake it. After `holdMs` it returns `loaded: false`, and the workflow calls it again.
 */
export async function awaitGateways(
  deps: Pick<ActivityDependencies, 'repositories'>,
  scope: Scope,
  loading: Loading,
): Promise<{ readonly loaded: boolean }> {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, cancellationSignal()]);
  let change = Promise.withResolvers<void>();
  const stop = await deps.repositories.deployments.watchAcknowledgements(() => change.resolve());
  const late = pause(holdMs, undefined, { signal });
  late.catch(() => undefined);
  try {
    const giveUpAt = Date.now() + holdMs;
    for (let failingSince = Number.POSITIVE_INFINITY; ;) {
      change = Promise.withResolvers<void>();
      const told = await deps.repositories.deployments.acknowledgements(scope, loading.generation);
      const { loaded, failed, missing } = told;
      if (loaded.length > 0 && missing.length === 0 && failed.length === 0) return { loaded: true };
      failingSince = failed.length === 0 ? Number.POSITIVE_INFINITY : Math.min(failingSince, Date.now());
      if (Date.now() - failingSince >= failingAtMostMs) throw refused(failed, loading);
      if (Date.now() >= giveUpAt) return mayWaitOn(scope, loading, told);
      await Promise.race([change.promise, late]);
    }
  } finally {
    ended.abort();
    await stop();
  }
}

type Told = Awaited<ReturnType<DeploymentRepository['acknowledgements']>>;

function refused([refusal]: Told['failed'], { generation }: Loading): PerennialError {
  const gateway = refusal?.gatewayId ?? 'unknown';
  return new PerennialError(
    'artifact-invalid',
    `gateway ${gateway} cannot load generation ${generation}: ${refusal?.error ?? 'no reason given'}`,
    { generation, gateway },
  );
}

/** Returns `loaded: false`, so that the workflow calls again; throws if it has waited longer than `loadWithinMs`. */
function mayWaitOn(
  scope: Scope,
  { generation, waitedMs }: Loading,
  { failed, missing }: Told,
): { readonly loaded: false } {
  if (waitedMs < loadWithinMs) return { loaded: false };
  const late = [...missing, ...failed.map(({ gatewayId }) => gatewayId)];
  const who =
    late.length > 0 ? `gateways ${late.join(', ')} have not loaded the generation` : 'no gateway holds a live lease';
  throw new PerennialError(
    'gateways-absent',
    `generation ${generation} of ${scope.model} was not loaded in ${loadWithinMs / 1000} s: ${who}; check the gateways' logs, or start a gateway`,
    { generation },
  );
}
