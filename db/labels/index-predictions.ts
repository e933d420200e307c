import type { Id, Scope } from '../../contracts/identifiers.ts';
import type { PredictionSegment } from '../../contracts/serving/prediction.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { found } from '../connection/not-found.ts';
import { eq, sql } from '../connection/orm.ts';
import { models } from '../models/model-tables.ts';
import { predictionOf } from './add-labels.ts';
import { findPredictions } from './find-predictions.ts';
import { labelReader } from './label-targets.ts';
import type { StoredValue } from './stored-value.ts';
import { epochMs, labelValue, lockLabels } from './stored-value.ts';
import type { KnownLabel } from './write-labels.ts';
import { writeLabels } from './write-labels.ts';
import { inScope } from '../connection/in-scope.ts';
import { predictions as predictionTable, waitingLabels } from './label-tables.ts';

type Segment = Pick<PredictionSegment, 'modelId' | 'environment' | 'gatewayId'>;

interface Waiting extends StoredValue {
  readonly place: string;
  readonly id: string | null;
  readonly request: string | null;
  readonly row: number | null;
  /** In milliseconds since 1970 in UTC. */
  readonly at: number;
  readonly by: Id;
}

/**
 * Records the predictions of a segment and joins the labels that were waiting for them. If an id occurs more than once,
 * the first recorded prediction counts, as in `readServed`.
 *
 * @param pages each the text of a JSON list of `IndexedPrediction`.
 * @returns how many of them have an id that was known already, or that another one of them has.
 */
export async function indexPredictions(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  segment: Segment,
  pages: AsyncIterable<string> | Iterable<string>,
): Promise<number> {
  await tx.execute(lockLabels(segment));
  let repeated = 0;
  for await (const page of pages) repeated += await insertPage(tx, segment, page);
  await joinWaiting(context, tx, segment);
  return repeated;
}

/** Returns the number of predictions that are not new. */
async function insertPage(
  tx: Transaction,
  { modelId, environment, gatewayId }: Segment,
  page: string,
): Promise<number> {
  const { rows } = await tx.execute<{ repeated: number }>(sql`
    with given as materialized (
      select * from json_to_recordset(${page}::json)
        as page (id text, request text, "row" int, version int, happened timestamptz, recorded timestamptz)),
    added as (
      insert into predictions (model_id, environment, prediction_id, request, request_row, model_version, happened_at,
        gateway_id, recorded_at)
      select distinct on (id) ${modelId}::uuid, ${environment}, id, request, "row", version, happened, ${gatewayId}::uuid, recorded
      from given order by id, recorded
      on conflict (model_id, environment, prediction_id) do update
        set request = excluded.request, request_row = excluded.request_row, model_version = excluded.model_version,
          happened_at = excluded.happened_at, gateway_id = excluded.gateway_id, recorded_at = excluded.recorded_at
        where excluded.recorded_at < predictions.recorded_at
      returning xmax = 0 as is_new)
    select ((select count(*) from given) - (select count(*) from added where is_new))::int as repeated`);
  return rows[0]?.repeated ?? 0;
}

/**
 * Joins waiting labels to their predictions. A label that is not a valid value of the target is joined unchanged;
 * reports leave it out and say so.
 */
async function joinWaiting(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  segment: Segment,
): Promise<void> {
  const waiting = await arrivedFor(tx, segment);
  if (waiting.length === 0) return;
  const named = waiting.map(({ id, request, row, ...rest }) => ({
    ...rest,
    name: { id: id ?? undefined, request: request ?? undefined, row: row ?? undefined },
  }));
  const predictions = await findPredictions(
    tx,
    segment,
    named.map(({ name }) => name),
  );
  const joined: (KnownLabel & { readonly by: Id; readonly place: string; readonly version: number | undefined })[] = [];
  for (const { name, place, by, at, ...stored } of named) {
    const of = predictionOf(name, predictions);
    if (!('prediction' in of) || of.prediction === undefined) continue;
    const { id, version } = of.prediction;
    joined.push({ id, version, place, by, at: new Date(at).toISOString(), value: labelValue(stored) });
  }
  const read = await labelReader(
    tx,
    segment,
    joined.flatMap(({ version }) => (version === undefined ? [] : [version])),
  );
  const places = sql.param(joined.map(({ place }) => place));
  await tx.execute(sql`delete from waiting_labels where ctid = any(${places}::text[]::tid[])`);
  const scope = await scopeOf(tx, segment);
  for (const [by, labels] of Map.groupBy(joined, (label) => label.by)) {
    const readable = labels.map(({ id, version, value, at }): KnownLabel => {
      const reading = read(version, value);
      return { id, at, value: 'value' in reading ? reading.value : value };
    });
    await writeLabels(context, tx, scope, readable, by);
  }
}

/** Returns waiting labels whose prediction or request is known now, in the order in which they arrived. */
async function arrivedFor(tx: Transaction, segment: Segment): Promise<readonly Waiting[]> {
  const { rows } = await tx.execute<Waiting & Record<string, unknown>>(sql`
    select ctid::text as place, prediction_id as id, request, request_row as "row", value, class::text as class,
      ${epochMs(sql`effective_at`)} as at, recorded_by as by
    from waiting_labels
    where ${inScope(waitingLabels, segment)} and (
      exists (select from predictions where ${inScope(predictionTable, segment)} and prediction_id = waiting_labels.prediction_id)
      or exists (select from predictions where ${inScope(predictionTable, segment)} and request = waiting_labels.request))
    order by recorded_at, ctid`);
  return rows;
}

async function scopeOf(tx: Transaction, { modelId, environment }: Segment): Promise<Scope> {
  const [row] = await tx
    .select({ project: models.project, model: models.name })
    .from(models)
    .where(eq(models.id, modelId));
  const { project, model } = found(row, `there is no model ${modelId}`, { modelId });
  return { project, model, modelId, environment };
}
