import { z } from 'zod';
import { IntegerKindSchema } from '../data/integer-kind.ts';

/** The datatypes of the Open Inference Protocol that the gateway accepts and returns. */
export const TensorType = z.enum(['BOOL', 'INT64', 'FP32', 'FP64', 'BYTES']);
export type TensorType = z.infer<typeof TensorType>;

/** A class in the form in which it occurs in the data. */
export const ClassValue = z.union([z.string(), z.number(), z.boolean()]);
export type ClassValue = z.infer<typeof ClassValue>;

/** The value that replaces a missing value of the feature, if the configuration sets one. */
export const Fill = z.union([z.string().max(1000), z.number(), z.boolean()]);
export type Fill = z.infer<typeof Fill>;

export const SignatureInput = z.object({
  name: z.string(),
  type: TensorType,
  /** For `INT64`, the narrower integer type of the model's input; values out of its range are refused. */
  integer: IntegerKindSchema.optional(),
  /** The version was built from rows with missing values of this feature, so a request may omit it. */
  missing: z.literal(true).optional(),
  fill: Fill.optional(),
});
export type SignatureInput = z.infer<typeof SignatureInput>;

/**
 * The inputs and outputs of a model, independent of its format; a format may add fields (`../model-format.ts`).
 * `layout: matrix`: the model has one input of shape `[rows, features]`. All columns have the same type and the order
 * of `inputs`; a request may give the whole matrix under `inputName`.
 * `layout: columns`: the model has one input per feature, with the feature's name.
 * With either layout the gateway accepts one tensor per feature.
 */
export const Signature = z.object({
  schemaVersion: z.literal(1),
  layout: z.enum(['matrix', 'columns']),
  /** Name of the model's input for `matrix`. */
  inputName: z.string().optional(),
  inputs: z.array(SignatureInput),
  /** The prediction: one value per row; for a classifier, the label. */
  output: z.object({ name: z.string(), type: TensorType }),
  /** For a classifier: the classes that it was trained on, in the order of its probabilities. */
  classes: z.array(ClassValue).optional(),
  /** Number of probabilities per row. With `width` 1 it is the probability of the second of two classes. */
  probabilities: z.object({ name: z.string(), type: TensorType, width: z.number().int() }).optional(),
  /**
   * Further numeric outputs of the model, with `width` numbers per row. They are returned on request, but gates and
   * monitoring do not use them.
   */
  vectors: z.array(z.object({ name: z.string(), type: TensorType, width: z.number().int() })).optional(),
});
export type Signature = z.infer<typeof Signature>;
