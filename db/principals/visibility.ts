import { and, type AnyColumn, eq, or, type SQL, sql } from '../connection/orm.ts';
import type { Viewer } from '../../contracts/access/principal.ts';
import { environments, modelEnvironments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';

// The one place that decides which rows a list shows. It is a part of the query, so that pages are full and cursors
// tell nothing. It must agree with `isGranted` (contracts/access/principal.ts), by which single things are shown.

/** How a row tells that it belongs to what a grant names. */
interface Belongs {
  readonly toProject: (name: string) => SQL;
  readonly toModel: (name: string) => SQL;
  readonly toEnvironment: (name: string) => SQL;
}

/** Rows of a model in an environment. The query must join `models`; a null environment is seen with a grant on all of them. */
export function visibleRows(viewer: Viewer, environment: AnyColumn | SQL): SQL {
  return coveredBy(viewer, {
    toProject: (name) => eq(models.project, name),
    toModel: (name) => eq(models.name, name),
    toEnvironment: (name) => sql`${environment} = ${name}`,
  });
}

/** Rows of `models`: those of which something can be seen. A grant on one environment shows the models that are there. */
export function visibleModels(viewer: Viewer): SQL {
  return coveredBy(viewer, {
    toProject: (name) => eq(models.project, name),
    toModel: (name) => eq(models.name, name),
    toEnvironment: (name) => sql`exists (select 1 from ${modelEnvironments}
      where ${modelEnvironments.modelId} = ${models.id} and ${modelEnvironments.environment} = ${name})`,
  });
}

/** Rows of `environments`: a grant on one model shows those that it is in. */
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

/** Every role may view, so each grant shows what it is on. */
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
