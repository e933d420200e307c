import type { Instant, Scope } from '../../contracts/identifiers.ts';
import type { LabelInput } from '../../contracts/monitoring/label.ts';
import type { Transaction } from '../connection/connect.ts';
import { sql } from '../connection/orm.ts';
import { epochMs } from './stored-value.ts';
import { inScope } from '../connection/in-scope.ts';
import { labels as labelTable, predictions as predictionTable } from './label-tables.ts';

export interface FoundPrediction {
  readonly id: string;
  /** Undefined for a prediction older than the index of predictions, which is known only by its label. */
  readonly version: number | undefined;
  readonly happened: Instant | undefined;
}

/** Predictions of one request id. If several requests used the id, those of the first one. */
export interface FoundRequest {
  /** In the order of the request's rows. */
  readonly rows: readonly (FoundPrediction & { readonly row: number })[];
  /** Number of requests that used the id. */
  readonly requests: number;
}

export interface FoundPredictions {
  readonly byId: ReadonlyMap<string, FoundPrediction>;
  readonly byRequest: ReadonlyMap<string, FoundRequest>;
}

type Row = { id: string; version: number | null; happened: number | null };
type RequestRow = Row & { request: string; row: number; told_by: string };

const namesAtOnce = 10_000;

/** Looks up the predictions named by the labels. Those that are missing from the result are unknown so far. */
export async function findPredictions(
  tx: Transaction,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  labels: readonly Pick<LabelInput, 'id' | 'request'>[],
): Promise<FoundPredictions> {
  const byId = new Map<string, FoundPrediction>();
  for (const ids of pagesOf(labels.map(({ id }) => id)))
    for (const found of await rowsOf(tx, scope, ids)) byId.set(found.id, toFound(found));
  const byRequest = new Map<string, FoundRequest>();
  for (const requests of pagesOf(labels.map(({ request }) => request)))
    for (const [request, rows] of Map.groupBy(await rowsOfRequests(tx, scope, requests), (row) => row.request))
      byRequest.set(request, firstRequest(rows));
  return { byId, byRequest };
}

function* pagesOf(names: readonly (string | undefined)[]): Generator<string[]> {
  const distinct = [...new Set(names)].filter((name) => name !== undefined);
  for (let from = 0; from < distinct.length; from += namesAtOnce) yield distinct.slice(from, from + namesAtOnce);
}

function toFound({ id, version, happened }: Row): FoundPrediction {
  return {
    id,
    version: version ?? undefined,
    happened: happened === null ? undefined : new Date(happened).toISOString(),
  };
}

async function rowsOf(
  tx: Transaction,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  ids: string[],
): Promise<readonly Row[]> {
  const named = sql`prediction_id = any(${sql.param(ids)}::text[])`;
  const { rows } = await tx.execute<Row>(sql`
    select distinct on (id) id, version, happened from (
      select prediction_id as id, model_version as version, ${epochMs(sql`happened_at`)} as happened from predictions
      where ${inScope(predictionTable, scope)} and ${named}
      union all
      select prediction_id as id, null, null from labels where ${inScope(labelTable, scope)} and ${named}
    ) as found order by id, version nulls last`);
  return rows;
}

/**
 * Returns the rows of these requests. Rows of one request have the same `recorded_at` and gateway, combined in
 * `told_by`.
 */
async function rowsOfRequests(
  tx: Transaction,
  scope: Pick<Scope, 'modelId' | 'environment'>,
  requests: string[],
): Promise<readonly RequestRow[]> {
  const { rows } = await tx.execute<RequestRow>(sql`
    select request, request_row as row, prediction_id as id, model_version as version, ${epochMs(sql`happened_at`)} as happened,
      recorded_at::text || gateway_id::text as told_by
    from predictions
    where ${inScope(predictionTable, scope)} and request = any(${sql.param(requests)}::text[])
    order by request, recorded_at, gateway_id, request_row, prediction_id`);
  return rows;
}

function firstRequest(rows: readonly RequestRow[]): FoundRequest {
  const [first] = rows;
  const own = rows.filter((row) => row.told_by === first?.told_by);
  return {
    rows: own.map((row) => ({ ...toFound(row), row: row.row })),
    requests: new Set(rows.map((row) => row.told_by)).size,
  };
}
