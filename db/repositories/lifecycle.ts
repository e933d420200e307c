import { and, eq, lt } from 'drizzle-orm';
import type { LifecycleRepository } from '../../ports/repositories/lifecycle.ts';
import { advanceLifecycle } from '../advance-lifecycle.ts';
import { query, transact } from '../connection.ts';
import type { RepositoryContext } from '../context.ts';
import { commandOf, insertCommand, selectCommands } from '../insert-command.ts';
import { toDate } from '../instants.ts';
import { found } from '../not-found.ts';
import { commands, models } from '../schema.ts';

export function createLifecycleRepository(context: RepositoryContext): LifecycleRepository {
  const { db, clock } = context;
  return {
    submit: (scope, body, by, idempotency) =>
      transact(db, (tx) => insertCommand(context, tx, scope, body, by, idempotency)),
    command: (id) =>
      query(db, async () => {
        const [row] = await selectCommands(db).where(eq(commands.id, id));
        return commandOf(found(row, `there is no command ${id}`, { commandId: id }));
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
