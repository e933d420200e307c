import { asc, eq, gt, lt } from '../connection/orm.ts';
import { Isolation } from '../../contracts/runs/isolation.ts';
import type { WorkerRepository } from '../../ports/repositories/worker-repository.ts';
import { query } from '../connection/connect.ts';
import { workers } from './worker-tables.ts';
import { toDate, toInstant } from '../connection/instants.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';

const silentAfterMs = 60_000;
const forgottenAfterMs = 24 * 3_600_000;

export function createWorkerRepository({ db, clock }: RepositoryContext): WorkerRepository {
  const before = (milliseconds: number): Date => new Date(Date.parse(clock.now()) - milliseconds);
  return {
    announce: ({ id, host, isolation, startedAt }) =>
      query(db, async () => {
        const seenAt = toDate(clock.now());
        await db
          .insert(workers)
          .values({ id, host, isolation, startedAt: toDate(startedAt), seenAt })
          .onConflictDoUpdate({ target: workers.id, set: { isolation, seenAt } });
        await db.delete(workers).where(lt(workers.seenAt, before(forgottenAfterMs)));
      }),
    live: () =>
      query(db, async () => {
        const rows = await db
          .select()
          .from(workers)
          .where(gt(workers.seenAt, before(silentAfterMs)))
          .orderBy(asc(workers.startedAt), asc(workers.id));
        return rows.map(({ id, host, isolation, startedAt, seenAt }) => ({
          id,
          host,
          isolation: Isolation.parse(isolation),
          startedAt: toInstant(startedAt),
          seenAt: toInstant(seenAt),
        }));
      }),
    leave: (id) =>
      query(db, async () => {
        await db.delete(workers).where(eq(workers.id, id));
      }),
  };
}
