import { readNode } from './onnx-graph.ts';
import { fieldsOf, joined, lengthDelimited, textField, varintField } from './protobuf.ts';

const graphField = { node: 1, output: 12 } as const;
const valueName = 1;
const float = 1;

/** Removes the ZipMaps at the graph's outputs, so that the probability tensors become the outputs. */
export function cutZipMaps(graph: Uint8Array): { readonly graph: Uint8Array; readonly notes: readonly string[] } {
  const fields = [...fieldsOf(graph)];
  const outputs = new Set(fields.flatMap(({ number, bytes }) => (number === graphField.output ? nameOf(bytes) : [])));
  /** The ZipMap's input tensor by the name of the output. */
  const mapped = new Map<string, string>();
  const parts: Uint8Array[] = [];
  for (const { number, bytes, whole } of fields) {
    const node = number === graphField.node && bytes !== undefined ? readNode(bytes) : undefined;
    const [output = ''] = node?.outputs ?? [];
    if (node?.operator !== 'ZipMap' || !outputs.has(output)) parts.push(whole);
    else mapped.set(output, node.inputs[0] ?? '');
  }
  if (mapped.size === 0) return { graph, notes: [] };
  // A second pass is needed, because an output may precede its node in the file. The outputs keep their order.
  const kept = parts.flatMap((whole) => {
    const [field] = fieldsOf(whole);
    const tensor = field?.number === graphField.output ? mapped.get(nameOf(field.bytes)[0] ?? '') : undefined;
    if (tensor === undefined) return [whole];
    return outputs.has(tensor) ? [] : [lengthDelimited(graphField.output, tensorValue(tensor))];
  });
  const notes = Array.from(
    mapped,
    ([output, tensor]) => `the ZipMap of the output "${output}" was removed; the output is now its tensor "${tensor}"`,
  );
  return { graph: joined(kept), notes };
}

function nameOf(valueInfo: Uint8Array | undefined): string[] {
  const name = [...fieldsOf(valueInfo ?? new Uint8Array())].find(({ number }) => number === valueName)?.bytes;
  return name === undefined ? [] : [new TextDecoder().decode(name)];
}

/** Encodes `float[rows, classes]`, which is the input type of a ZipMap by definition. */
function tensorValue(name: string): Uint8Array {
  const dimensions = ['rows', 'classes'].map((symbol) => lengthDelimited(1, textField(2, symbol)));
  const tensor = joined([varintField(1, float), lengthDelimited(2, joined(dimensions))]);
  return joined([textField(valueName, name), lengthDelimited(2, lengthDelimited(1, tensor))]);
}
