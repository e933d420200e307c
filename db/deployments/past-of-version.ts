import { and, type AnyColumn, desc, eq, inArray, or, sql } from '../connection/orm.ts';
import type { Id, Sha256 } from '../../contracts/identifiers.ts';
import type { PastOfVersion } from '../../ports/repositories/deployment-repository.ts';
import type { Executor } from '../connection/connect.ts';
import { toInstant, toInstantOrNull } from '../connection/instants.ts';
import { findings } from '../monitoring/monitoring-tables.ts';
import { ledger } from '../ledger/ledger-tables.ts';
import { modelVersions } from '../versions/version-tables.ts';
import { principals } from '../principals/principal-tables.ts';
import { releases } from './deployment-tables.ts';

/** Maximum length of each list. */
const mostOfEach = 5;

/**
 * Returns rollbacks and aborts of the artifact's releases, and findings against them. Rehearsals are left out, because
 * they serve no users.
 */
export async function pastOf(tx: Executor, modelId: Id, artifact: Sha256): Promise<PastOfVersion> {
  const known = await tx
    .select({ id: releases.id })
    .from(releases)
    .innerJoin(modelVersions, eq(modelVersions.id, releases.modelVersionId))
    .where(and(eq(releases.modelId, modelId), eq(modelVersions.artifact, artifact)));
  const ids = known.map(({ id }) => id);
  if (ids.length === 0) return { withdrawals: [], findings: [] };
  return { withdrawals: await withdrawalsOf(tx, modelId, ids), findings: await findingsOf(tx, modelId, ids) };
}

async function withdrawalsOf(tx: Executor, modelId: Id, ids: readonly Id[]): Promise<PastOfVersion['withdrawals']> {
  const { subject } = ledger;
  const rolledBack = and(
    eq(ledger.kind, 'rollback.ordered'),
    inArray(sql`${subject} ->> 'fromReleaseId'`, [...ids]),
    sql`${subject} ->> 'fromReleaseId' <> ${subject} ->> 'toReleaseId'`,
  );
  const aborted = and(
    eq(ledger.kind, 'deployment.ended'),
    inArray(sql`${subject} ->> 'releaseId'`, [...ids]),
    sql`${subject} ->> 'decision' = 'aborted'`,
  );
  const rows = await tx
    .select({
      kind: ledger.kind,
      environment: ledger.environment,
      at: ledger.recordedAt,
      by: principals.name,
      reason: ledger.reason,
    })
    .from(ledger)
    .innerJoin(principals, eq(principals.id, ledger.recordedBy))
    .where(and(eq(ledger.modelId, modelId), or(rolledBack, aborted), onTheWallClock(modelId, ledger.environment)))
    .orderBy(desc(ledger.sequence))
    .limit(mostOfEach);
  return rows.map(({ kind, environment, at, ...row }) => ({
    ...row,
    kind: kind === 'rollback.ordered' ? 'rollback' : 'abort',
    environment: environment ?? '',
    at: toInstant(at),
  }));
}

async function findingsOf(tx: Executor, modelId: Id, ids: readonly Id[]): Promise<PastOfVersion['findings']> {
  const rows = await tx
    .select()
    .from(findings)
    .where(
      and(
        eq(findings.modelId, modelId),
        inArray(findings.championReleaseId, [...ids]),
        onTheWallClock(modelId, findings.environment),
      ),
    )
    .orderBy(desc(findings.openedAt), desc(findings.id))
    .limit(mostOfEach);
  return rows.map(({ environment, kind, subject, value, threshold, openedAt, closedAt }) => ({
    environment,
    kind,
    subject,
    value,
    threshold,
    openedAt: toInstant(openedAt),
    closedAt: toInstantOrNull(closedAt),
  }));
}

function onTheWallClock(modelId: Id, environment: AnyColumn) {
  return sql`not exists (select 1 from environments e join models m on m.project = e.project
    where m.id = ${modelId} and e.name = ${environment} and e.clock = 'virtual')`;
}
