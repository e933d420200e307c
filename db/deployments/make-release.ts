import { and, eq } from '../connection/orm.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope, Sha256 } from '../../contracts/identifiers.ts';
import { scopeLabel, shortDigest } from '../../contracts/identifiers.ts';
import type { Release, ReleaseBody } from '../../contracts/serving/release.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockModel, lockScope } from '../connection/repository-context.ts';
import { decidedByRun } from '../runs/decided-by-run.ts';
import { championOf, newestGeneration, readRelease, toRelease } from './generations.ts';
import { nextNumber } from '../connection/next-number.ts';
import { found, written } from '../connection/not-found.ts';
import { proveRun } from '../runs/prove-run.ts';
import { codeVersions } from '../code/code-tables.ts';
import { configurations } from '../models/model-tables.ts';
import { datasetVersions } from '../datasets/dataset-tables.ts';
import { evaluations, modelVersions } from '../versions/version-tables.ts';
import { releases, withdrawals } from './deployment-tables.ts';
import { runs } from '../runs/run-tables.ts';
import { inScope } from '../connection/in-scope.ts';

interface Parts {
  readonly evaluation: typeof evaluations.$inferSelect;
  readonly version: typeof modelVersions.$inferSelect;
  readonly dataset: { readonly digest: string };
  readonly code: { readonly digest: string };
}

/**
 * Creates the Release of an evaluation with the environment's current configuration, so that the release and policy
 * that people approve are the ones that take effect. Repeating the call for the same run and evaluation returns the
 * same release.
 */
export async function makeRelease(
  context: RepositoryContext,
  tx: Transaction,
  scope: Scope,
  evaluationId: Id,
  { runId, by, expected }: { readonly runId: Id; readonly by: Id; readonly expected?: Sha256 },
): Promise<Release> {
  const { configurationId } = await lockScope(tx, scope, null);
  await proveRun(tx, scope, runId, 'deploy');
  const decided = await decidedByRun(tx, scope.modelId, 'release.made', runId, { evaluationId });
  if (decided !== undefined) return readRelease(tx, String(decided.releaseId));
  const parts = await readParts(tx, scope, evaluationId);
  if (configurationId === null)
    throw new PerennialError('not-found', `${scopeLabel(scope)} has no configuration; \`perennial apply\` sets it`, {
      model: scope.model,
      environment: scope.environment,
    });
  const release = await ensureRelease(context, tx, scope, parts, configurationId, by);
  if (expected !== undefined) await mustComeTo(tx, scope, release, expected);
  await refuseUnfit(tx, scope, release, { runId, version: parts.version.number });
  await appendLedger(context, tx, {
    modelId: scope.modelId,
    environment: scope.environment,
    kind: 'release.made',
    subject: { runId, releaseId: release.id, number: release.number, digest: release.digest, evaluationId },
    reason: `release ${shortDigest(release.digest)} of version ${parts.version.number}`,
    effectiveAt: await environmentNow(context, tx, scope),
    by,
  });
  return release;
}

/**
 * Throws `configuration-differs` unless this is the requested release. Only its evaluation may differ, if it was
 * repeated against the current champion.
 */
async function mustComeTo(tx: Transaction, scope: Scope, release: Release, expected: Sha256): Promise<void> {
  if (release.digest === expected) return;
  const [row] = await tx
    .select()
    .from(releases)
    .where(and(eq(releases.modelId, scope.modelId), eq(releases.digest, expected)));
  const asked = row === undefined ? undefined : toRelease(row);
  if (
    asked !== undefined &&
    asked.evaluationId !== release.evaluationId &&
    sha256OfJson({ ...asked.body, evaluation: '' }) === sha256OfJson({ ...release.body, evaluation: '' })
  )
    return;
  throw new PerennialError(
    'configuration-differs',
    `the configuration of ${scopeLabel(scope)} has changed since release ${shortDigest(expected)} was requested, so the deployment would make a different release; apply the same perennial.yaml there, and promote again`,
    { release: expected, environment: scope.environment },
  );
}

async function readParts(tx: Transaction, scope: Scope, evaluationId: Id): Promise<Parts> {
  const [row] = await tx
    .select({
      evaluation: evaluations,
      version: modelVersions,
      dataset: { digest: datasetVersions.digest },
      code: { digest: codeVersions.digest },
    })
    .from(evaluations)
    .innerJoin(modelVersions, eq(modelVersions.id, evaluations.modelVersionId))
    .innerJoin(datasetVersions, eq(datasetVersions.id, modelVersions.datasetVersionId))
    .innerJoin(codeVersions, eq(codeVersions.id, modelVersions.codeVersionId))
    .where(and(eq(evaluations.id, evaluationId), eq(evaluations.modelId, scope.modelId)));
  const parts = found(row, `${scope.model} has no evaluation ${evaluationId}`, { evaluationId });
  const { verdict, reasons } = parts.evaluation.body;
  if (verdict === 'rejected')
    throw new PerennialError(
      'not-a-candidate',
      `version ${parts.version.number} of ${scope.model} was rejected: ${reasons.join('; ')}; build a version that passes its gates`,
      { version: parts.version.number, reasons },
    );
  return parts;
}

async function ensureRelease(
  context: RepositoryContext,
  tx: Transaction,
  { project, model, modelId }: Scope,
  { evaluation, version, dataset, code }: Parts,
  configurationId: Id,
  by: Id,
): Promise<Release> {
  const [configuration] = await tx
    .select({ digest: configurations.digest })
    .from(configurations)
    .where(eq(configurations.id, configurationId));
  const body: ReleaseBody = {
    schemaVersion: 1,
    model: { project, name: model },
    dataset: dataset.digest,
    code: code.digest,
    artifact: version.artifact,
    trainingKey: version.trainingKey,
    configuration: written(configuration).digest,
    evaluation: evaluation.digest,
  };
  const digest = sha256OfJson(body);
  await lockModel(tx, modelId);
  const [known] = await tx
    .select()
    .from(releases)
    .where(and(eq(releases.modelId, modelId), eq(releases.digest, digest)));
  if (known !== undefined) return toRelease(known);
  const { datasetVersionId, codeVersionId } = version;
  const [made] = await tx
    .insert(releases)
    .values({
      id: context.ids.next(),
      modelId,
      number: await nextNumber(tx, releases, modelId),
      digest,
      body,
      modelVersionId: version.id,
      evaluationId: evaluation.id,
      configurationId,
      datasetVersionId,
      codeVersionId,
      recordedBy: by,
    })
    .returning();
  return toRelease(written(made));
}

/** Refuses a release that serves already, and an automated deployment of a release that a rollback withdrew. */
async function refuseUnfit(
  tx: Transaction,
  scope: Scope,
  release: Release,
  { runId, version }: { readonly runId: Id; readonly version: number },
): Promise<void> {
  const named = `version ${version}, release ${shortDigest(release.digest)},`;
  const champion = championOf(await newestGeneration(tx, scope));
  if (champion !== undefined && isSame(await readRelease(tx, champion.releaseId), release))
    throw new PerennialError(
      'conflict',
      `${named} already serves in ${scope.environment}; there is nothing to deploy`,
      { release: release.digest, environment: scope.environment },
    );
  const [run] = await tx.select({ request: runs.request }).from(runs).where(eq(runs.id, runId));
  const automated = run?.request.kind === 'deploy' && run.request.automated;
  if (automated && (await isWithdrawn(tx, scope, release)))
    throw new PerennialError(
      'not-a-candidate',
      `${named} was withdrawn from ${scope.environment} by a rollback, so automation does not promote it again; a person may deploy it`,
      { release: release.digest, environment: scope.environment },
    );
}

/** Ignores the evaluation, which differs when the same version was evaluated against another champion. */
function isSame(one: Release, other: Release): boolean {
  return one.modelVersionId === other.modelVersionId && one.configurationId === other.configurationId;
}

async function isWithdrawn(
  tx: Transaction,
  scope: Scope,
  { modelVersionId, configurationId }: Release,
): Promise<boolean> {
  const [row] = await tx
    .select({ releaseId: withdrawals.releaseId })
    .from(withdrawals)
    .innerJoin(releases, eq(releases.id, withdrawals.releaseId))
    .where(
      and(
        inScope(withdrawals, scope),
        eq(releases.modelVersionId, modelVersionId),
        eq(releases.configurationId, configurationId),
      ),
    )
    .limit(1);
  return row !== undefined;
}
