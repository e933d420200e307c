import { platformViewer } from '../../contracts/access/principal.ts';
import { createIdMaker } from '../../adapters/ids/uuid.ts';
import type { Approval } from '../../contracts/serving/approval.ts';
import { Configuration, type ConfigurationInput } from '../../contracts/configuration/configuration.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import type { Generation } from '../../contracts/serving/deployment.ts';
import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { LedgerKind } from '../../contracts/ledger/ledger-entry.ts';
import type { Release } from '../../contracts/serving/release.ts';
import { connect, transact } from '../../db/connection/connect.ts';
import type { RepositoryContext } from '../../db/connection/repository-context.ts';
import { insertRun } from '../../db/runs/insert-run.ts';
import { createPostgresRepositories } from '../../db/postgres-repositories.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Repositories } from '../../ports/repositories/repositories.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres-of-tests.ts';
import { beginRun, seedVersion, subjectOf, type SeededVersion } from '../support/seed-candidate.ts';
import { configuration } from './database-ground.ts';

/** The wall clock, moved ahead by the time that the test lets pass. It never goes back. */
export interface PassingClock extends Clock {
  pass(milliseconds: number): void;
}

/** A new database with every repository and one principal. Each test creates its own model in it. */
export interface DeploymentGround {
  readonly database: TestDatabase;
  readonly repositories: Repositories;
  readonly context: RepositoryContext;
  readonly clock: PassingClock;
  readonly by: Id;
  /** A gateway that has loaded the raised generations, but whose lease has ended. */
  readonly loader: Id;
  end(): Promise<void>;
}

export async function layDeploymentGround(): Promise<DeploymentGround> {
  const database = await createTestDatabase();
  let ahead = 0;
  const clock: PassingClock = {
    now: () => new Date(Date.now() + ahead).toISOString(),
    pass: (milliseconds) => (ahead += milliseconds),
  };
  const ids = createIdMaker();
  const repositories = createPostgresRepositories({ url: database.url, clock, ids });
  const context: RepositoryContext = { db: connect(database.url), clock, ids };
  const principal = await repositories.principals.ensure('operator', 'person', [{ role: 'operator' }], null);
  const loader = ids.next();
  await repositories.deployments.keepLease({ id: loader, address: 'http://127.0.0.1:1' }, '2000-01-01T00:00:00.000Z');
  const end = async (): Promise<void> => {
    await repositories.close();
    await context.db.$client.end();
    await database.drop();
  };
  return { database, repositories, context, clock, by: principal.id, loader, end };
}

let models = 0;

/**
 * Creates a model that no other test touches. With `virtualNow` its environment has a virtual clock that shows this
 * instant.
 */
export async function freshScope(
  { repositories, by }: DeploymentGround,
  options: { readonly retrain?: ConfigurationInput['retrain']; readonly virtualNow?: Instant } = {},
): Promise<Scope> {
  const name = `model-${(models += 1)}`;
  const environment = options.virtualNow === undefined ? 'production' : `rehearsal-${models}`;
  if (options.virtualNow !== undefined)
    await repositories.environments.makeVirtual('default', environment, options.virtualNow, by);
  const own = Configuration.parse({ ...configuration, name, retrain: options.retrain ?? {} });
  return (await repositories.models.apply('default', environment, own, by)).scope;
}

export function seedCandidate(
  { repositories, by }: DeploymentGround,
  scope: Scope,
  seed: number,
): Promise<SeededVersion> {
  return seedVersion(repositories, scope, by, { seed });
}

/** Begins a deploy run and makes its release. */
export async function beginDeploy(
  { repositories, by }: DeploymentGround,
  scope: Scope,
  evaluationId: Id,
  automated = false,
): Promise<{ readonly runId: Id; readonly release: Release }> {
  const runId = await beginRun(repositories, scope, { kind: 'deploy', schemaVersion: 1, evaluationId, automated }, by);
  return { runId, release: await repositories.deployments.makeRelease(scope, evaluationId, { runId, by }) };
}

/** Sets the steps of the next deployment, without required votes. */
export async function applySteps(
  { repositories, by }: DeploymentGround,
  scope: Scope,
  weights: readonly number[],
): Promise<void> {
  const { configuration: was } = await repositories.models.currentConfiguration(scope);
  const own = Configuration.parse({
    ...was,
    deploy: {
      approval: { votes: 0 },
      strategy: {
        ...(weights.includes(0) ? { shadow: { bake: '0s' } } : {}),
        canary: [...new Set([...weights.filter((weight) => weight > 0), 100])],
        bake: '0s',
        minRequests: 0,
      },
    },
  });
  await repositories.models.apply(scope.project, scope.environment, own, by);
}

/** Requests the approval of the run's release. It is granted immediately, because no votes are required. */
export async function approve(
  { repositories, by }: DeploymentGround,
  scope: Scope,
  { runId, release }: { readonly runId: Id; readonly release: Release },
): Promise<Approval> {
  const subject = await subjectOf(repositories, scope, release);
  return repositories.approvals.request(scope, {
    runId,
    digest: sha256OfJson(subject),
    subject,
    evidence: {
      schemaVersion: 1,
      modelVersion: 1,
      championVersion: null,
      dataset: 1,
      code: 1,
      evaluation: (await repositories.evaluations.get(release.evaluationId)).body,
      rollbackTarget: subject.champion,
    },
    by,
  });
}

/** Starts the rollout of a new candidate and raises these weights, as the deployment's workflow would. */
export async function rollOut(
  ground: DeploymentGround,
  scope: Scope,
  seed: number,
  weights: readonly number[],
): Promise<{ readonly runId: Id; readonly release: Release; readonly generation: Generation | undefined }> {
  const { deployments } = ground.repositories;
  await applySteps(ground, scope, weights);
  const { evaluation } = await seedCandidate(ground, scope, seed);
  const { runId, release } = await beginDeploy(ground, scope, evaluation.id);
  await approve(ground, scope, { runId, release });
  const begun = await deployments.beginRollout(scope, runId);
  if (begun !== 'begun') throw new Error(`the rollout was not begun: ${begun}`);
  let generation: Generation | undefined;
  for (const weight of weights) generation = await raise(ground, scope, { runId, weight });
  return { runId, release, generation };
}

/** Raises the run's next step, as if a gateway had loaded the step before and that step had passed. */
export async function raise(
  { repositories: { deployments }, loader }: DeploymentGround,
  scope: Scope,
  { runId, weight }: { readonly runId: Id; readonly weight: number },
): Promise<Generation> {
  const { modelId, environment } = scope;
  const current = await deployments.current(scope);
  if (current?.runId !== runId) return deployments.raise(scope, { runId, weight, judged: null });
  const { generation } = current;
  await deployments.acknowledge({ gatewayId: loader, modelId, environment, generation, error: null });
  return deployments.raise(scope, { runId, weight, judged: { generation, verdict: 'pass', reason: '' } });
}

/** Deploys a new release from its first step to its end. */
export async function deploy(ground: DeploymentGround, scope: Scope, seed: number): Promise<Release> {
  const { runId, release, generation } = await rollOut(ground, scope, seed, [100]);
  await ground.repositories.deployments.endRollout(scope, runId);
  await ground.repositories.runs.succeed(runId, {
    kind: 'deploy',
    decision: 'promoted',
    releaseId: release.id,
    releaseDigest: release.digest,
    generation: generation?.generation ?? null,
    reasons: [],
  });
  return release;
}

/** Records an automated build that ended as a candidate, which has not been deployed. */
export async function automatedCandidate(ground: DeploymentGround, scope: Scope, seed: number): Promise<Id> {
  const { context, repositories, by } = ground;
  const { version, evaluation } = await seedCandidate(ground, scope, seed);
  const id = context.ids.next();
  const asOf = await repositories.environments.now(scope.project, scope.environment);
  const request = { kind: 'build', schemaVersion: 1, asOf, automated: true } as const;
  await transact(context.db, (tx) =>
    insertRun(tx, scope, { id, request, because: 'drift', effectiveAt: '2000-01-01T00:00:00.000Z', by }),
  );
  await repositories.runs.begin(id);
  await repositories.runs.succeed(id, {
    kind: 'build',
    decision: 'candidate',
    modelVersionId: version.id,
    number: version.number,
    evaluationId: evaluation.id,
    reused: false,
    reasons: [],
  });
  return evaluation.id;
}

export async function entriesOf({ repositories }: DeploymentGround, scope: Scope, kind: LedgerKind) {
  const { items } = await repositories.ledger.list(
    platformViewer,
    { project: scope.project, model: scope.model, kind },
    { limit: 200 },
  );
  return items.toReversed();
}

/** Returns the role, release number and weight of each slot, such as `champion 1 90`. */
export async function serving({ repositories }: DeploymentGround, scope: Scope): Promise<readonly string[]> {
  const current = await repositories.deployments.current(scope);
  return Promise.all(
    (current?.slots ?? []).map(async (slot) => {
      const release = await repositories.deployments.release(slot.releaseId);
      return `${slot.role} ${release.number} ${slot.weight}`;
    }),
  );
}
