import { z } from 'zod';
import { Id, Instant, InstantInput } from '../identifiers.ts';
import { ClassValue } from '../models/signature.ts';

/**
 * Identifies a prediction, either by its own id, or by the id of the caller's request and, for requests with several
 * rows, the row's index from 0.
 */
const LabelName = z.object({
  id: z.string().min(1).max(200).optional(),
  request: z.string().min(1).max(200).optional(),
  row: z.number().int().min(0).max(1_000_000).optional(),
});

/** The true outcome of one prediction. */
export const LabelInput = LabelName.extend({
  /**
   * A number, or a class for classifiers. Text is converted to the type of the target. null is parsed, so that the
   * label can be refused with a message that names it.
   */
  value: z.union([z.number(), z.string().max(1000), z.boolean(), z.null()]),
  /** When the label became known, on the environment's clock; defaults to now. */
  at: Instant.optional(),
});
export type LabelInput = z.infer<typeof LabelInput>;

/** A label as a caller sends it: unknown keys are refused, and `at` may have any UTC offset. */
export const SentLabel = z
  .strictObject({ ...LabelInput.shape, at: InstantInput.optional() })
  .refine(({ id, request }) => (id === undefined) !== (request === undefined), {
    message: 'a label names either "id", the id of the prediction, or "request", the id of the request',
  })
  .refine(({ request, row }) => row === undefined || request !== undefined, {
    message: '"row" can only be used with "request"; the id of a prediction already identifies one row',
  });

export const RefusedLabel = LabelName.extend({
  /** The label's index in the request, from 0. */
  place: z.number().int(),
  value: z.union([ClassValue, z.null()]),
  reason: z.string(),
});
export type RefusedLabel = z.infer<typeof RefusedLabel>;

/** The lists in a response contain at most this many labels. The counts cover all labels. */
export const labelsListed = 100;

/** The result of one request with labels. The five counts add up to the number of labels sent. */
export const AddedLabels = z.object({
  /** First labels of known predictions. */
  accepted: z.number().int(),
  /** Labels that replaced a different value. The ledger keeps both values. */
  corrected: z.number().int(),
  /**
   * Labels with an unchanged value, and labels that a later label of the same prediction in the same request overrides.
   */
  repeated: z.number().int(),
  /** Labels without a known prediction. They are kept, and joined when the prediction arrives. */
  unknown: z.number().int(),
  /** Labels that were not stored. */
  refused: z.number().int(),
  corrections: z.array(z.object({ id: z.string(), from: ClassValue, to: ClassValue })).readonly(),
  unknownLabels: z.array(LabelName).readonly(),
  refusals: z.array(RefusedLabel).readonly(),
  /** Request ids that were used for several requests. The label was assigned to the first request. */
  ambiguous: z.array(z.object({ request: z.string(), requests: z.number().int() })).readonly(),
  /**
   * Number of labels that now wait for their predictions in this model and environment, including those of this
   * request.
   */
  waiting: z.number().int(),
  /**
   * Number of waiting labels that were deleted because they exceeded the time limit, or were the oldest beyond the
   * limit on their number.
   */
  forgotten: z.number().int(),
});
export type AddedLabels = z.infer<typeof AddedLabels>;

/** One corrected label. `sequence` is the sequence number of the ledger entry for the whole batch of corrections. */
export const LabelCorrection = z.object({
  id: z.string(),
  from: ClassValue,
  to: ClassValue,
  sequence: z.number().int(),
  recordedAt: Instant,
  recordedBy: Id,
});
export type LabelCorrection = z.infer<typeof LabelCorrection>;

/** Returns the name of a label for messages: `"p1"`, `request "order-7"`, or `row 2 of request "order-7"`. */
export function labelWords({ id, request, row }: z.infer<typeof LabelName>): string {
  if (id !== undefined) return JSON.stringify(id);
  return `${row === undefined ? '' : `row ${row} of `}request ${JSON.stringify(request)}`;
}

/** The most labels that wait for their predictions in one environment of a model. The oldest are deleted first. */
export const waitingLabelsAtMost = 100_000;
/** How long labels wait for their predictions, on the wall clock. */
export const labelsWaitMs = 30 * 24 * 60 * 60_000;
/** How far in the future of the environment's clock the instant of a label may be. */
export const labelAheadMs = 24 * 60 * 60_000;
