import { z } from 'zod';
import { PerennialError } from './errors.ts';
import { protobufBytesAtMost } from './models/protobuf-bytes.ts';
import { Signature, SignatureInput } from './models/signature.ts';

/** What the platform has to know of a format before anything of it is loaded. */
interface ModelFormatFacts {
  /** For people. */
  readonly title: string;
  /** The file that a training script writes to its output folder. */
  readonly writes: string;
  readonly bytesAtMost: number;
  /** Of a downloaded artifact. */
  readonly mediaType: string;
  readonly extension: string;
  /** The `platform` of the Open Inference Protocol's model metadata. */
  readonly platform: string;
}

/** The registered formats. If a script writes the files of several, the first one counts. */
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
    /** The graph has no labels, and the platform answers with the class of the greatest probability under this name. */
    from: z.literal('probabilities').optional(),
    /** The graph's labels differ from the classes in the data. `spelled`: other spellings; `places`: indexes into `classes`. */
    labels: z.enum(['spelled', 'places']).optional(),
  }),
});
export type OnnxSignature = z.infer<typeof OnnxSignature>;

/** `shape`, together with what the format of a model decides: a union that `format` discriminates. */
export function withModelFormat<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.discriminatedUnion('format', [
    // One member for each format.
    z.object({ ...shape, format: z.literal('onnx'), signature: OnnxSignature }),
  ]);
}

/** A model's format, and its signature as that format has it. */
const FormattedModel = withModelFormat({});
export type FormattedModel = z.infer<typeof FormattedModel>;
export type ModelFormatName = FormattedModel['format'];

/** Versions from before formats were recorded with whatever names a version have this one. */
export const earliestModelFormat: ModelFormatName = 'onnx';

/** Throws `internal` if this build of the platform does not know the format, or if the signature is not one of it. */
export function formattedModel(format: string, signature: Signature): FormattedModel {
  const parsed = FormattedModel.safeParse({ format, signature });
  if (parsed.success) return parsed.data;
  const named = JSON.stringify(format);
  const reason = Object.hasOwn(modelFormats, format)
    ? `the signature is not one of the format ${named}: ${z.prettifyError(parsed.error)}`
    : `the format ${named} is unknown here; upgrade this process`;
  throw new PerennialError('internal', reason, { format });
}
