import { z } from 'zod';
import type { Scope } from '../../../contracts/identifiers.ts';
import { Model } from '../../../contracts/models/model.ts';
import { authorize } from '../../access/authorize.ts';
import type { Api, RouteContext } from '../../route-context.ts';
import { ModelParams, problems, ProjectHeaders } from '../../request-shapes.ts';
import { wakeLifecycle } from '../../submission.ts';

const Decision = z.strictObject({ reason: z.string().max(1000).default('') });
const acts = {
  archive: 'Archive a model: none of its versions serves, and no builds start; nothing is deleted',
  restore:
    'Restore an archived model: the releases that served when it was archived serve again; schedules stay paused until they are resumed',
} as const;

/**
 * Registers the routes that archive and restore a model. They affect all its environments, so they need the admin role
 * on the model. Both are idempotent.
 */
export function archiveRoutes(app: Api, context: RouteContext): void {
  const { models } = context.repositories;
  for (const act of ['archive', 'restore'] as const) {
    app.post(
      `/v1/models/:model/${act}`,
      {
        schema: {
          tags: ['models'],
          summary: acts[act],
          headers: ProjectHeaders,
          params: ModelParams,
          body: Decision,
          response: { 200: z.object({ model: Model, environments: z.array(z.string()).readonly() }), ...problems },
        },
      },
      async (request) => {
        const project = request.headers['perennial-project'];
        const { model: name } = request.params;
        const { id: by } = authorize(context, request, { project, model: name });
        const { id } = await models.get(project, name);
        const scopes = await models[act](id, { reason: request.body.reason, by });
        if (act === 'archive') for (const scope of scopes) await pauseSchedules(context, scope, by);
        await Promise.all(scopes.map((scope) => wakeLifecycle(context, scope)));
        return { model: await models.get(project, name), environments: scopes.map((scope) => scope.environment) };
      },
    );
  }
}

async function pauseSchedules({ repositories, schedules }: RouteContext, scope: Scope, by: string): Promise<void> {
  for (const { name, cron, timezone, overlap, paused } of await repositories.schedules.list(scope))
    if (!paused) await schedules.put(scope, name, { cron, timezone, overlap, paused: true }, by);
}
