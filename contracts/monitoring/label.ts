import { z } from 'zod';
import { Id, Instant, InstantInput } from '../identifiers.ts';
import { ClassValue } from '../models/signature.ts';

/** By the id of the prediction, or by the id of the caller's own request and, if it had several rows, the row from 0. */
const LabelName = z.object({
  id: z.string().min(1).max(200).optional(),
  request: z.string().min(1).max(200).optional(),
  row: z.number().int().min(0).max(1_000_000).optional(),
});

/** What turned out to be true of one prediction. */
export const LabelInput = LabelName.extend({
  /** A number, or of a classifier the class; text is read as the type of the target. null is no label, and is refused by name. */
  value: z.union([z.number(), z.string().max(1000), z.boolean(), z.null()]),
  /** When it became known, by the environment's clock; absent: now. */
  at: Instant.optional(),
});
export type LabelInput = z.infer<typeof LabelInput>;

/** As a caller sends it: nothing unknown beside it, and the instant in any zone. */
export const SentLabel = z
  .strictObject({ ...LabelInput.shape, at: InstantInput.optional() })
  .refine(({ id, request }) => (id === undefined) !== (request === undefined), {
    message: 'a label names either "id", of the prediction, or "request", the id of the request',
  })
  .refine(({ request, row }) => row === undefined || request !== undefined, {
    message: '"row" belongs to "request"; the id of a prediction names one row already',
  });

export const RefusedLabel = LabelName.extend({
  /** Its place in what was sent, from 0. */
  place: z.number().int(),
  value: z.union([ClassValue, z.null()]),
  reason: z.string(),
});
export type RefusedLabel = z.infer<typeof RefusedLabel>;

/** Lists in an answer name this many at most; the counts are of all. */
export const labelsListed = 100;

/** What became of the labels of one request. The five counts add up to the labels that were sent. */
export const AddedLabels = z.object({
  /** New labels of known predictions. */
  accepted: z.number().int(),
  /** Labels that replaced another value; the ledger keeps both. */
  corrected: z.number().int(),
  /** The same value again, or followed by a later label of the same prediction in the same request. */
  repeated: z.number().int(),
  /** No prediction has the id, so far: kept, and joined when the prediction arrives. */
  unknown: z.number().int(),
  /** Not taken. */
  refused: z.number().int(),
  corrections: z.array(z.object({ id: z.string(), from: ClassValue, to: ClassValue })).readonly(),
  unknownLabels: z.array(LabelName).readonly(),
  refusals: z.array(RefusedLabel).readonly(),
  /** Request ids that were used more than once: the label is that of the first request. */
  ambiguous: z.array(z.object({ request: z.string(), requests: z.number().int() })).readonly(),
  /** Labels of the model in the environment that wait for their predictions now, these among them. */
  waiting: z.number().int(),
  /** Labels that had waited the longest and were forgotten to make room. */
  forgotten: z.number().int(),
});
export type AddedLabels = z.infer<typeof AddedLabels>;

/** One label that was corrected; `sequence` is that of its batch's entry in the ledger. */
export const LabelCorrection = z.object({
  id: z.string(),
  from: ClassValue,
  to: ClassValue,
  sequence: z.number().int(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type LabelCorrection = z.infer<typeof LabelCorrection>;

/** For messages: `"p1"`, `request "order-7"`, or `row 2 of request "order-7"`. */
export function labelWords({ id, request, row }: z.infer<typeof LabelName>): string {
  if (id !== undefined) return JSON.stringify(id);
  return `${row === undefined ? '' : `row ${row} of `}request ${JSON.stringify(request)}`;
}

/** Labels that wait for their predictions in one environment of a model; the oldest give way. */
export const waitingLabelsAtMost = 100_000;
/** How long they wait, by the wall clock. */
export const labelsWaitMs = 30 * 24 * 60 * 60_000;
/** How far ahead of the environment's clock a label may be dated. */
export const labelAheadMs = 24 * 60 * 60_000;
