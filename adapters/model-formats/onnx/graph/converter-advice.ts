export type ConverterProblem = 'zipmap' | 'logits' | 'rows';

/** Advice on what to change in the conversion, by the converter that the model file names. */
const advice: Readonly<Record<ConverterProblem, Readonly<Record<Converter, string>>>> = {
  zipmap: {
    skl2onnx: 'skl2onnx: options={"zipmap": False}',
    onnxmltools: 'onnxmltools: zipmap=False',
    torch: 'torch: return tensors from forward',
  },
  logits: {
    skl2onnx: "skl2onnx: options={id(model): {'raw_scores': False}}, with a model that has predict_proba",
    onnxmltools: 'onnxmltools: convert the classifier (such as XGBClassifier), not its booster with raw scores',
    torch: 'torch: end the module with torch.nn.Softmax(dim=1), or torch.nn.Sigmoid() for one column',
  },
  rows: {
    skl2onnx: "skl2onnx: initial_types=[('x', FloatTensorType([None, n]))]",
    onnxmltools: "onnxmltools: initial_types=[('x', FloatTensorType([None, n]))]",
    torch:
      "torch.onnx.export: dynamic_shapes={'x': {0: 'batch'}}, or dynamic_axes={'x': {0: 'batch'}} with dynamo=False",
  },
};

type Converter = 'skl2onnx' | 'onnxmltools' | 'torch';

/** Returns the advice for the converter that wrote the model, or for all converters if it is unknown. */
export function adviceFor(producer: string, problem: ConverterProblem): string {
  const lines = advice[problem];
  const known = converterOf(producer);
  return known === undefined ? Object.values(lines).join('; ') : lines[known];
}

function converterOf(producer: string): Converter | undefined {
  if (/skl2onnx/i.test(producer)) return 'skl2onnx';
  if (/onnxmltools|onnxconverter/i.test(producer)) return 'onnxmltools';
  return /torch/i.test(producer) ? 'torch' : undefined;
}
