import { z } from 'zod';
import { IntegerKindSchema } from '../data/integer-kind.ts';

/** Open Inference Protocol datatypes that the gateway takes and gives. */
export const TensorType = z.enum(['BOOL', 'INT64', 'FP32', 'FP64', 'BYTES']);
export type TensorType = z.infer<typeof TensorType>;

/** A class as the data has it. */
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
 * What a model takes and gives, whatever its format; a format may add fields of its own (`../model-format.ts`).
 * `layout: matrix`: the model has one input `[rows, features]` of one type, columns in the order of `inputs`, and a request
 * may give it whole under `inputName`. `layout: columns`: it has one input a feature, named as the feature. The gateway
 * offers one tensor a feature either way.
 */
export const Signature = z.object({
  schemaVersion: z.literal(1),
  layout: z.enum(['matrix', 'columns']),
  /** The input's name for `matrix`. */
  inputName: z.string().optional(),
  inputs: z.array(SignatureInput),
  /** The answer: one value a row, of a classifier its label. */
  output: z.object({ name: z.string(), type: TensorType }),
  /** Of a classifier: the classes that it was trained on, in the order of its probabilities. */
  classes: z.array(ClassValue).optional(),
  /** `width` 1: that of the second of two classes. */
  probabilities: z.object({ name: z.string(), type: TensorType, width: z.number().int() }).optional(),
  /** Numbers that the model answers besides; `width` a row. They are given to whoever asks, and judged by nobody. */
  vectors: z.array(z.object({ name: z.string(), type: TensorType, width: z.number().int() })).optional(),
});
export type Signature = z.infer<typeof Signature>;
