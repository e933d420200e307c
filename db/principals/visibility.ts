import { and, type AnyColumn, eq, or, type SQL, sql } from '../connection/orm.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';

// Only this file decides which rows a list shows. The condition is part of the query, so that pages are full and
// cursors reveal nothing hidden. It must agree with `isGranted` (contracts/access/principal.ts), which decides about
// single objects.

/** Conditions that a row belongs to a project, model or environment named in a grant. */
interface Belongs {
  readonly toProject: (name: string) => SQL;
  readonly toModel: (name: string) => SQL;
  readonly toEnvironment: (name: string) => SQL;
}

/**
 * Condition for rows of a model in an environment. The query must join `models`. A row with a null environment is
 * visible only with a grant on all environments.
 */
export function visibleRows(viewer: Viewer, environment: AnyColumn | SQL): SQL {
  return coveredBy(viewer, {
    toProject: (name) => eq(models.project, name),
    toModel: (name) => eq(models.name, name),
    toEnvironment: (name) => sql`${environment} = ${name}`,
  });
}

/**
 * Condition for rows of `models` of which the viewer may see something. A grant on one environment shows the models in
 * it.
 */
export function visibleModels(viewer: Viewer): SQL {
  return coveredBy(viewer, {
    toProject: (name) => eq(models.project, name),
    toModel: (name) => eq(models.name, name),
    toEnvironment: (name) => sql`exists (select 1 from ${modelEnvironments}
      where ${modelEnvironments.modelId} = ${models.id} and ${modelEnvironments.environment} = ${name})`,
  });
}

/** Condition for rows of `environments`. A grant on one model shows the environments that it is in. */
export function visibleEnvironments(viewer: Viewer): SQL {
  return coveredBy(viewer, {
    toProject: (name) => eq(environments.project, name),
    toModel: (
      name,
    ) => sql`exists (select 1 from ${modelEnvironments} join ${models} on ${models.id} = ${modelEnvironments.modelId}
      where ${models.project} = ${environments.project} and ${models.name} = ${name} and ${modelEnvironments.environment} = ${environments.name})`,
    toEnvironment: (name) => eq(environments.name, name),
  });
}

/** Every role may view, so each grant makes its target visible. */
function coveredBy({ grants }: Viewer, belongs: Belongs): SQL {
  const covered = grants.map(
    ({ project, model, environment }) =>
      and(
        project === undefined ? undefined : belongs.toProject(project),
        model === undefined ? undefined : belongs.toModel(model),
        environment === undefined ? undefined : belongs.toEnvironment(environment),
      ) ?? sql`true`,
  );
  return or(...covered) ?? sql`false`;
}
