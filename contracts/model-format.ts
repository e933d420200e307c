import { protobufBytesAtMost } from './models/protobuf-bytes.ts';

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
} as const satisfies Readonly<Record<string, ModelFormatFacts>>;
