import { sha256OfJson } from '../../contracts/digest.ts';
import type { Scope, Sha256 } from '../../contracts/identifiers.ts';
import type { MonitoringRepository } from '../../ports/repositories/monitoring-repository.ts';
import type { SegmentSummary } from '../../ports/segment-summary.ts';
import type { Executor, Transaction } from '../connection/connect.ts';
import { query, transact } from '../connection/connect.ts';
import { inScope } from '../connection/in-scope.ts';
import { and, eq, inArray, sql } from '../connection/orm.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { predictionSegments } from '../labels/label-tables.ts';
import { segmentCountings, segmentSummaries } from './summary-tables.ts';

type Place = Pick<Scope, 'modelId' | 'environment'>;

const keptOfSegment = 2;

export function summariesOf({
  db,
}: Pick<RepositoryContext, 'db'>): Pick<
  MonitoringRepository,
  'counting' | 'useCounting' | 'summaries' | 'addSummaries' | 'haveDistinctIds'
> {
  return {
    counting: (scope) =>
      query(db, async () => {
        const { key, counting } = segmentCountings;
        const [row] = await db.select({ key, counting }).from(segmentCountings).where(inScope(segmentCountings, scope));
        return row;
      }),
    useCounting: ({ modelId, environment }, { key, counting }) =>
      query(db, async () => {
        await db
          .insert(segmentCountings)
          .values({ modelId, environment, key, counting })
          .onConflictDoUpdate({
            target: [segmentCountings.modelId, segmentCountings.environment],
            set: { key, counting, recordedAt: sql`now()` },
            setWhere: sql`${segmentCountings.key} <> ${key}`,
          });
      }),
    summaries: (scope, segments, key) =>
      query(db, async () => {
        const { segment, summary, sha256 } = segmentSummaries;
        const rows = await db
          .select({ segment, summary, sha256 })
          .from(segmentSummaries)
          .where(
            and(inScope(segmentSummaries, scope), eq(segmentSummaries.counting, key), inArray(segment, [...segments])),
          );
        const whole = rows.filter((row) => sha256OfJson(row.summary) === row.sha256);
        return new Map(whole.map((row) => [row.segment, row.summary]));
      }),
    addSummaries: (scope, key, summaries) => transact(db, (tx) => insertSummaries(tx, scope, key, summaries)),
    haveDistinctIds: (scope, segments) =>
      query(db, async () => {
        const { repeated } = predictionSegments;
        const [found] = await db
          .select({
            rows: sql<number>`count(*)::int`,
            distinct: sql<boolean>`coalesce(bool_and(coalesce(${repeated}, 1) = 0), true)`,
          })
          .from(predictionSegments)
          .where(and(inScope(predictionSegments, scope), inArray(predictionSegments.sha256, [...segments])));
        return found?.distinct === true && found.rows === segments.length;
      }),
  };
}

export async function insertSummaries(
  tx: Transaction,
  { modelId, environment }: Place,
  counting: Sha256,
  summaries: ReadonlyMap<Sha256, SegmentSummary>,
): Promise<void> {
  // A segment may have expired while it was being summarised.
  const there = await tx
    .select({ segment: predictionSegments.sha256 })
    .from(predictionSegments)
    .where(
      and(
        inScope(predictionSegments, { modelId, environment }),
        inArray(predictionSegments.sha256, [...summaries.keys()]),
      ),
    )
    .for('key share');
  const rows = [...new Set(there.map(({ segment }) => segment))].flatMap((segment) => {
    const summary = summaries.get(segment);
    return summary === undefined
      ? []
      : [{ modelId, environment, segment, counting, summary, sha256: sha256OfJson(summary) }];
  });
  if (rows.length === 0) return;
  await tx
    .insert(segmentSummaries)
    .values(rows)
    .onConflictDoUpdate({
      target: [
        segmentSummaries.modelId,
        segmentSummaries.environment,
        segmentSummaries.segment,
        segmentSummaries.counting,
      ],
      set: { summary: sql`excluded.summary`, sha256: sql`excluded.sha256`, recordedAt: sql`now()` },
    });
  const here = and(
    inScope(segmentSummaries, { modelId, environment }),
    inArray(segmentSummaries.segment, [...summaries.keys()]),
  );
  await tx.execute(sql`
    delete from segment_summaries where ctid in (
      select place from (
        select ctid as place, row_number() over (partition by segment order by recorded_at desc, counting) as age
        from segment_summaries where ${here}) as aged
      where age > ${keptOfSegment})`);
}

export async function deleteSummaries(tx: Executor, scope: Place, segments: readonly Sha256[]): Promise<void> {
  await tx
    .delete(segmentSummaries)
    .where(and(inScope(segmentSummaries, scope), inArray(segmentSummaries.segment, [...segments])));
}
