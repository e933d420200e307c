import { and, desc, eq, isNotNull, isNull, lt, sql } from '../connection/orm.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';
import { sha256OfJson } from '../../contracts/digest.ts';
import { PerennialError } from '../../contracts/errors.ts';
import type { Id, Scope } from '../../contracts/identifiers.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { ConfigurationVersion, Model, ModelEnvironment } from '../../contracts/models/model.ts';
import type { ModelRepository } from '../../ports/repositories/model-repository.ts';
import { appendLedger } from '../ledger/append-ledger.ts';
import { applyStagedCode } from '../code/apply-staged-code.ts';
import { archiveModel, restoreModel } from './archive-model.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow, lockModel, lockScope } from '../connection/repository-context.ts';
import { toInstant, toInstantOrNull } from '../connection/instants.ts';
import { mustNotBeArchived } from './must-not-be-archived.ts';
import { nextNumber } from '../connection/next-number.ts';
import { found, written } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { configurations, models, projects } from './model-tables.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { visibleModels } from '../principals/visibility.ts';
import { inScope } from '../connection/in-scope.ts';

function toModel(row: typeof models.$inferSelect): Model {
  return { ...row, archivedAt: toInstantOrNull(row.archivedAt), recordedAt: toInstant(row.recordedAt) };
}

function toConfigurationVersion(row: typeof configurations.$inferSelect): ConfigurationVersion {
  const { body, ...rest } = row;
  return { ...rest, configuration: body, recordedAt: toInstant(row.recordedAt) };
}

function toModelEnvironment(row: typeof modelEnvironments.$inferSelect): ModelEnvironment {
  const { settledAt: _settledAt, recordedAt: _recordedAt, recordedBy: _recordedBy, ...rest } = row;
  return { ...rest, lastBuildAt: toInstantOrNull(row.lastBuildAt), lastMonitorAt: toInstantOrNull(row.lastMonitorAt) };
}

export function createModelRepository(context: RepositoryContext): ModelRepository {
  const { db } = context;
  return {
    apply: (project, environment, configuration, by, codeRunId) =>
      transact(db, async (tx) => {
        const { scope, heads } = await introduce(context, tx, project, environment, configuration, by);
        const applied = await apply(context, tx, { scope, heads, configuration, by });
        if (codeRunId !== undefined) await applyStagedCode(context, tx, { scope, heads, runId: codeRunId, by });
        return applied;
      }),
    introduce: (project, environment, configuration, by) =>
      transact(db, async (tx) => (await introduce(context, tx, project, environment, configuration, by)).scope),
    archive: (modelId, decision) => transact(db, (tx) => archiveModel(context, tx, modelId, decision)),
    restore: (modelId, decision) => transact(db, (tx) => restoreModel(context, tx, modelId, decision)),
    list: (viewer, project, page, archived = false) =>
      query(db, async () => {
        const below = belowId(page);
        const rows = await db
          .select()
          .from(models)
          .where(
            and(
              visibleModels(viewer),
              eq(models.project, project),
              isConfigured,
              archived ? isNotNull(models.archivedAt) : isNull(models.archivedAt),
              below === undefined ? undefined : lt(models.id, below),
            ),
          )
          .orderBy(desc(models.id))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.id, toModel);
      }),
    get: (project, name) =>
      query(db, async () => {
        const [row] = await db
          .select()
          .from(models)
          .where(and(eq(models.project, project), eq(models.name, name)));
        return toModel(
          found(row, `project ${project} has no model ${name}; \`perennial apply\` creates it`, {
            project,
            model: name,
          }),
        );
      }),
    scope: (project, name, environment) =>
      query(db, () =>
        findScope(db, and(eq(models.project, project), eq(models.name, name)), `${project}/${name}`, environment),
      ),
    scopeOf: (modelId, environment) => query(db, () => findScope(db, eq(models.id, modelId), modelId, environment)),
    heads: (scope) =>
      query(db, async () => {
        const [row] = await db.select().from(modelEnvironments).where(inScope(modelEnvironments, scope));
        return toModelEnvironment(
          found(row, `there is no ${scopeLabel(scope)}; apply a configuration to it first`, {
            model: scope.model,
            environment: scope.environment,
          }),
        );
      }),
    configuration: (id) =>
      query(db, async () => {
        const [row] = await db.select().from(configurations).where(eq(configurations.id, id));
        return toConfigurationVersion(found(row, `there is no configuration ${id}`, { configurationId: id }));
      }),
    currentConfiguration: (scope) =>
      query(db, async () => {
        const [row] = await db
          .select({ configuration: configurations })
          .from(modelEnvironments)
          .innerJoin(configurations, eq(configurations.id, modelEnvironments.configurationId))
          .where(inScope(modelEnvironments, scope));
        return toConfigurationVersion(
          found(row, `${scopeLabel(scope)} has no configuration; \`perennial apply\` sets it`, {
            model: scope.model,
            environment: scope.environment,
          }).configuration,
        );
      }),
    scopes: () => query(db, () => scopesToLookAfter(db)),
  };
}

type Heads = typeof modelEnvironments.$inferSelect;

/** Creates a missing project, environment and model, and locks the scope. */
async function introduce(
  context: RepositoryContext,
  tx: Transaction,
  project: string,
  environment: string,
  configuration: Configuration,
  by: Id,
): Promise<{ readonly scope: Scope; readonly heads: Heads }> {
  await tx.insert(projects).values({ name: project, recordedBy: by }).onConflictDoNothing();
  await tx
    .insert(environments)
    .values({ project, name: environment, clock: 'wall', recordedBy: by })
    .onConflictDoNothing();
  const model = await ensureModel(context, tx, project, configuration, by);
  const scope: Scope = { project, model: model.name, modelId: model.id, environment };
  const heads = await lockScope(tx, scope, by);
  await mustNotBeArchived(tx, model.id);
  return { scope, heads };
}

interface Application {
  readonly scope: Scope;
  readonly heads: Heads;
  readonly configuration: Configuration;
  readonly by: Id;
}

async function apply(
  context: RepositoryContext,
  tx: Transaction,
  { scope, heads, configuration, by }: Application,
): ReturnType<ModelRepository['apply']> {
  const { modelId, environment } = scope;
  const version = await ensureConfiguration(context, tx, modelId, configuration, by);
  const changed = heads.configurationId !== version.id;
  if (changed) {
    await tx
      .update(modelEnvironments)
      .set({ configurationId: version.id })
      .where(inScope(modelEnvironments, { modelId, environment }));
    await tx.update(models).set({ owner: configuration.owner }).where(eq(models.id, modelId));
    await appendLedger(context, tx, {
      modelId,
      environment,
      kind: 'model.applied',
      subject: {
        configurationId: version.id,
        number: version.number,
        digest: version.digest,
        previousConfigurationId: heads.configurationId,
      },
      reason: `configuration ${version.number} applied`,
      effectiveAt: await environmentNow(context, tx, scope),
      by,
    });
  }
  return { scope, configuration: toConfigurationVersion(version), changed };
}

async function ensureModel(
  context: RepositoryContext,
  tx: Transaction,
  project: string,
  configuration: Configuration,
  by: Id,
): Promise<typeof models.$inferSelect> {
  const { name, task, owner } = configuration;
  await tx
    .insert(models)
    .values({ id: context.ids.next(), project, name, task, owner, recordedBy: by })
    .onConflictDoNothing();
  const [row] = await tx
    .select()
    .from(models)
    .where(and(eq(models.project, project), eq(models.name, name)));
  const model = written(row);
  if (model.task === task) return model;
  const [given] = await tx
    .update(models)
    .set({ task, owner })
    .where(and(eq(models.id, model.id), sql`NOT ${isConfigured}`))
    .returning();
  if (given === undefined)
    throw new PerennialError(
      'conflict',
      `model ${project}/${name} is a ${model.task} model, but the configuration says ${task}; the task of a model cannot change, so give the new model another name`,
      { model: name, task, was: model.task },
    );
  return given;
}

/** A model without a configuration is not listed: its first `apply` was refused and left only the failed run. */
const isConfigured = sql`EXISTS (SELECT FROM ${configurations} WHERE ${configurations.modelId} = ${models.id})`;

async function ensureConfiguration(
  context: RepositoryContext,
  tx: Transaction,
  modelId: Id,
  configuration: Configuration,
  by: Id,
): Promise<typeof configurations.$inferSelect> {
  const digest = sha256OfJson(configuration);
  await lockModel(tx, modelId);
  const [known] = await tx
    .select()
    .from(configurations)
    .where(and(eq(configurations.modelId, modelId), eq(configurations.digest, digest)));
  if (known !== undefined) return known;
  const number = await nextNumber(tx, configurations, modelId);
  const [made] = await tx
    .insert(configurations)
    .values({ id: context.ids.next(), modelId, number, digest, body: configuration, recordedBy: by })
    .returning();
  return written(made);
}

async function findScope(
  db: Executor,
  where: ReturnType<typeof and>,
  named: string,
  environment: string,
): Promise<Scope> {
  const rows = await db
    .select({ id: models.id, project: models.project, name: models.name, environment: modelEnvironments.environment })
    .from(models)
    .leftJoin(modelEnvironments, eq(modelEnvironments.modelId, models.id))
    .where(where);
  const [first] = rows;
  if (first === undefined)
    throw new PerennialError('not-found', `there is no model ${named}; \`perennial apply\` creates it`, {
      model: named,
    });
  const known = rows.flatMap((row) => row.environment ?? []).toSorted();
  if (!known.includes(environment)) {
    throw new PerennialError(
      'not-found',
      `model ${first.name} is not in environment ${environment}; its environments: ${known.join(', ') || 'none'}; \`perennial apply\` adds it to an environment`,
      { model: first.name, environment, environments: known },
    );
  }
  return { project: first.project, model: first.name, modelId: first.id, environment };
}

/** Returns all scopes except those of archived models and of rehearsals that have ended. */
async function scopesToLookAfter(db: Executor): Promise<readonly Scope[]> {
  const ended = sql`exists (select 1 from rehearsals join runs on runs.id = rehearsals.run_id where rehearsals.environment = ${modelEnvironments.environment} and rehearsals.model_id = ${modelEnvironments.modelId} and runs.ended_at is not null)`;
  return db
    .select({
      project: models.project,
      model: models.name,
      modelId: models.id,
      environment: modelEnvironments.environment,
    })
    .from(modelEnvironments)
    .innerJoin(models, eq(models.id, modelEnvironments.modelId))
    .where(and(isNull(models.archivedAt), sql`not ${ended}`))
    .orderBy(models.id, modelEnvironments.environment);
}
