import type { Id, Instant, Scope } from '../../contracts/identifiers.ts';
import type { AddedLabels, LabelInput, RefusedLabel } from '../../contracts/monitoring/label.ts';
import { labelAheadMs, labelsListed } from '../../contracts/monitoring/label.ts';
import type { Transaction } from '../connection/connect.ts';
import type { RepositoryContext } from '../connection/repository-context.ts';
import { environmentNow } from '../connection/repository-context.ts';
import { storableText } from '../connection/storable.ts';
import type { FoundPrediction, FoundPredictions } from './find-predictions.ts';
import { findPredictions } from './find-predictions.ts';
import type { ReadLabel } from './label-targets.ts';
import { labelReader } from './label-targets.ts';
import { lockLabels } from './stored-value.ts';
import type { UnknownLabel } from './waiting-labels.ts';
import { countWaiting, keepWaiting } from './waiting-labels.ts';
import type { KnownLabel } from './write-labels.ts';
import { writeLabels } from './write-labels.ts';

/** Data by which labels are checked. */
interface Judging {
  readonly found: FoundPredictions;
  readonly read: ReadLabel;
  readonly now: Instant;
}

/**
 * Implements `MonitoringRepository.addLabels`. Labels are checked one by one, so a refused label does not block the
 * others.
 */
export async function addLabels(
  context: Pick<RepositoryContext, 'clock'>,
  tx: Transaction,
  scope: Scope,
  inputs: readonly LabelInput[],
  by: Id,
): Promise<AddedLabels> {
  await tx.execute(lockLabels(scope));
  const labels = inputs.map(storable);
  const now = await environmentNow(context, tx, scope);
  const found = await findPredictions(tx, scope, labels);
  const judging = { found, read: await labelReader(tx, scope, versionsIn(found)), now };
  const known: KnownLabel[] = [];
  const unknown: UnknownLabel[] = [];
  const refusals: RefusedLabel[] = [];
  for (const [place, label] of labels.entries()) {
    const judged = judge(label, judging);
    if ('reason' in judged) refusals.push({ place, ...nameOf(label), value: label.value, reason: judged.reason });
    else if (judged.prediction === undefined) unknown.push({ ...nameOf(label), value: judged.value, at: judged.at });
    else known.push({ id: judged.prediction.id, value: judged.value, at: judged.at });
  }
  const { accepted, repeated, corrections } = await writeLabels(context, tx, scope, known, by);
  const forgotten = await keepWaiting(context, tx, scope, unknown, by);
  return {
    accepted,
    corrected: corrections.length,
    repeated,
    unknown: unknown.length,
    refused: refusals.length,
    corrections: corrections.slice(0, labelsListed),
    unknownLabels: unknown.slice(0, labelsListed).map(nameOf),
    refusals: refusals.slice(0, labelsListed),
    ambiguous: ambiguousIn(found),
    waiting: await countWaiting(tx, scope),
    forgotten,
  };
}

/** Implements `MonitoringRepository.hasUnknown`. */
export async function hasUnknown(tx: Transaction, scope: Scope, inputs: readonly LabelInput[]): Promise<boolean> {
  const labels = inputs.map(storable);
  const { byId, byRequest } = await findPredictions(tx, scope, labels);
  return labels.some(({ id, request = '' }) => (id === undefined ? !byRequest.has(request) : !byId.has(id)));
}

function storable(label: LabelInput): LabelInput {
  const { id, request, value } = label;
  return {
    ...label,
    ...(id === undefined ? {} : { id: storableText(id) }),
    ...(request === undefined ? {} : { request: storableText(request) }),
    value: typeof value === 'string' ? storableText(value) : value,
  };
}

function nameOf({ id, request, row }: Pick<LabelInput, 'id' | 'request' | 'row'>) {
  return {
    ...(id === undefined ? {} : { id }),
    ...(request === undefined ? {} : { request }),
    ...(row === undefined ? {} : { row }),
  };
}

function versionsIn({ byId, byRequest }: FoundPredictions): number[] {
  const all = [...byId.values(), ...[...byRequest.values()].flatMap(({ rows }) => rows)];
  return all.flatMap(({ version }) => (version === undefined ? [] : [version]));
}

type Judged =
  | { readonly reason: string }
  | {
      readonly prediction: FoundPrediction | undefined;
      readonly value: KnownLabel['value'];
      readonly at: Instant;
    };

function judge(label: LabelInput, { found, read, now }: Judging): Judged {
  const named = predictionOf(label, found);
  if ('reason' in named) return named;
  const { prediction } = named;
  const value = read(prediction?.version, label.value);
  if ('refused' in value) return { reason: value.refused };
  const { at } = label;
  if (at !== undefined && Date.parse(at) > Date.parse(now) + labelAheadMs)
    return { reason: `it is dated ${at}, more than a day after the environment's clock, which shows ${now}` };
  const happened = prediction?.happened;
  if (at !== undefined && happened !== undefined && at < happened)
    return { reason: `it is dated ${at}, before the time of its prediction, ${happened}` };
  // A label without a time is never dated before its prediction, even if machines' clocks differ.
  const earliest = happened !== undefined && happened > now ? happened : now;
  return { prediction, value: value.value, at: at ?? earliest };
}

/**
 * Returns the prediction that a label names (`undefined` if it is unknown so far), or the reason why the label is
 * refused.
 */
export function predictionOf(
  { id, request = '', row }: Pick<LabelInput, 'id' | 'request' | 'row'>,
  { byId, byRequest }: FoundPredictions,
): { readonly prediction: FoundPrediction | undefined } | { readonly reason: string } {
  if (id !== undefined) return { prediction: byId.get(id) };
  const rows = byRequest.get(request)?.rows;
  if (rows === undefined) return { prediction: undefined };
  if (row === undefined && rows.length > 1)
    return { reason: `the request has ${rows.length} rows; name the row of the label with "row", counted from 0` };
  const prediction = rows.find((candidate) => candidate.row === (row ?? 0));
  if (prediction !== undefined) return { prediction };
  return {
    reason: `row ${row ?? 0} does not exist: the request has ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}, counted from 0`,
  };
}

function ambiguousIn({ byRequest }: FoundPredictions): AddedLabels['ambiguous'] {
  return [...byRequest]
    .filter(([, { requests }]) => requests > 1)
    .slice(0, labelsListed)
    .map(([request, { requests }]) => ({ request, requests }));
}
