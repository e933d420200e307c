import { PerennialError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/identifiers.ts';
import { platformViewer } from '../../contracts/access/principal.ts';
import type { Run } from '../../contracts/runs/run.ts';
import type { ActivityDependencies } from '../activity-dependencies.ts';

/**
 * Throws if there is no model to serve yet. The error says why there is none, instead of the gateway's error that it
 * knows no model.
 */
export async function mustHaveFirstModel({ repositories }: ActivityDependencies, scope: Scope): Promise<void> {
  if ((await repositories.deployments.champion(scope)) !== undefined) return;
  const { project, model, environment } = scope;
  const { items } = await repositories.runs.list(
    platformViewer,
    { project, model, environment, kind: 'build' },
    { limit: 1 },
  );
  throw new PerennialError(
    'not-a-candidate',
    `the rehearsal has no first model to serve: ${whyNone(items[0])}; begin the rehearsal at a time with more rows, or fix the cause`,
    { model, environment },
  );
}

function whyNone(build: Run | undefined): string {
  if (build === undefined) return 'nothing was built';
  if (build.state === 'failed') return `the build failed: ${build.failure.message}`;
  if (build.state !== 'succeeded' || build.outcome.kind !== 'build') return `the build is ${build.state}`;
  const { decision, reasons } = build.outcome;
  return decision === 'rejected'
    ? `the gates rejected the version: ${reasons.join('; ')}`
    : 'a version was built but not deployed';
}
