import { and, desc, eq, lt } from '../connection/orm.ts';
import { scopeLabel } from '../../contracts/identifiers.ts';
import type { LifecycleRepository } from '../../ports/repositories/lifecycle-repository.ts';
import { advanceLifecycle } from './advance-lifecycle.ts';
import { query, transact } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { commandOf, insertCommand, selectCommands } from './insert-command.ts';
import { fireSchedule } from '../schedules/fire-schedule.ts';
import { toDate } from '../connection/instants.ts';
import { readSnapshot } from './lifecycle-snapshot.ts';
import { found } from '../connection/not-found.ts';
import { belowId, pageOf } from '../connection/paging.ts';
import { toTrigger } from './record-trigger.ts';
import { commands, triggers } from './lifecycle-tables.ts';
import { modelEnvironments } from '../environments/environment-tables.ts';
import { models } from '../models/model-tables.ts';
import { inScope } from '../connection/in-scope.ts';

export function createLifecycleRepository(context: RepositoryContext): LifecycleRepository {
  const { db, clock } = context;
  return {
    submit: (scope, body, by, idempotency) =>
      transact(db, (tx) => insertCommand(context, tx, scope, body, by, idempotency)),
    fire: (scope, firing) => transact(db, (tx) => fireSchedule(context, tx, scope, firing)),
    command: (id) =>
      query(db, async () => {
        const [row] = await selectCommands(db).where(eq(commands.id, id));
        return commandOf(found(row, `there is no command ${id}`, { commandId: id }));
      }),
    snapshot: (scope) =>
      transact(
        db,
        async (tx) => {
          const [heads] = await tx.select().from(modelEnvironments).where(inScope(modelEnvironments, scope));
          return readSnapshot(context, tx, scope, found(heads, `there is no ${scopeLabel(scope)}`, {}));
        },
        { isolation: 'repeatable read', readOnly: true },
      ),
    triggers: (scope, page) =>
      query(db, async () => {
        const below = belowId(page);
        const here = inScope(triggers, scope);
        const rows = await db
          .select()
          .from(triggers)
          .where(and(here, below === undefined ? undefined : lt(triggers.id, below)))
          .orderBy(desc(triggers.id))
          .limit(page.limit + 1);
        return pageOf(rows, page, (row) => row.id, toTrigger);
      }),
    stranded: (olderThanMs) =>
      query(db, () => {
        const before = toDate(new Date(Date.parse(clock.now()) - olderThanMs).toISOString());
        return db
          .selectDistinct({
            project: models.project,
            model: models.name,
            modelId: models.id,
            environment: commands.environment,
          })
          .from(commands)
          .innerJoin(models, eq(models.id, commands.modelId))
          .where(and(eq(commands.status, 'pending'), lt(commands.recordedAt, before)));
      }),
    advance: (scope, plan) => transact(db, (tx) => advanceLifecycle(context, tx, scope, plan)),
  };
}
