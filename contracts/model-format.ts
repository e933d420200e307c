import { z } from 'zod';
import { PerennialError } from './errors.ts';
import { protobufBytesAtMost } from './models/protobuf-bytes.ts';
import { Signature, SignatureInput } from './models/signature.ts';

/** The facts about a model format that the platform needs before it loads a model. */
interface ModelFormatFacts {
  /** The name that people are shown. */
  readonly title: string;
  /** The name of the model file that a training script writes to its output folder. */
  readonly writes: string;
  readonly bytesAtMost: number;
  /** The Content-Type of a downloaded artifact. */
  readonly mediaType: string;
  readonly extension: string;
  /** The `platform` of the Open Inference Protocol's model metadata. */
  readonly platform: string;
}

/**
 * The registered model formats. If a training script writes the files of several formats, the first of them in this
 * order is used.
 */
export const modelFormats = {
  onnx: {
    title: 'ONNX',
    writes: 'model.onnx',
    bytesAtMost: protobufBytesAtMost,
    mediaType: 'application/octet-stream',
    extension: '.onnx',
    platform: 'onnxruntime_onnx',
  },
} as const satisfies Readonly<Record<FormattedModel['format'], ModelFormatFacts>>;

const OnnxSignatureInput = SignatureInput.extend({
  /** 1: the graph's input has the shape `[rows]` and not `[rows, 1]`. */
  rank: z.literal(1).optional(),
});
export type OnnxSignatureInput = z.infer<typeof OnnxSignatureInput>;

const OnnxSignature = Signature.extend({
  inputs: z.array(OnnxSignatureInput),
  output: Signature.shape.output.extend({
    /**
     * Set if the graph has no label output: the platform then answers with the most probable class, under this output
     * name.
     */
    from: z.literal('probabilities').optional(),
    /**
     * Set if the graph's labels differ from the classes in the data. `spelled`: the labels are spelled differently;
     * `places`: the labels are indexes into `classes`.
     */
    labels: z.enum(['spelled', 'places']).optional(),
  }),
});
export type OnnxSignature = z.infer<typeof OnnxSignature>;

/**
 * Returns a schema with the fields of `shape` and those that depend on the model format: a union discriminated by
 * `format`.
 */
export function withModelFormat<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.discriminatedUnion('format', [
    // The union has one member per format.
    z.object({ ...shape, format: z.literal('onnx'), signature: OnnxSignature }),
  ]);
}

/** A model format together with a signature in that format. */
const FormattedModel = withModelFormat({});
export type FormattedModel = z.infer<typeof FormattedModel>;
export type ModelFormatName = FormattedModel['format'];

/**
 * The format of versions built before formats existed. Records about such versions, for example a gateway's saved
 * state, name no format.
 */
export const earliestModelFormat: ModelFormatName = 'onnx';

/**
 * Parses a stored format and signature. Throws `internal` if this version of the platform does not know the format, or
 * if the signature is not valid for it.
 */
export function formattedModel(format: string, signature: Signature): FormattedModel {
  const parsed = FormattedModel.safeParse({ format, signature });
  if (parsed.success) return parsed.data;
  const named = JSON.stringify(format);
  const reason = Object.hasOwn(modelFormats, format)
    ? `the signature is not valid for the format ${named}: ${z.prettifyError(parsed.error)}`
    : `this version of Perennial does not know the format ${named}; upgrade this process`;
  throw new PerennialError('internal', reason, { format });
}
