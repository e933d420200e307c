import type { ClassValue } from '../../../../contracts/models/signature.ts';
import { fieldsOf, unpackedVarints } from './protobuf.ts';

/** Numbers of the onnx.proto fields that are read here. */
const modelField = { producer: 2, graph: 7 } as const;
const graphField = { node: 1, output: 12 } as const;
const nodeField = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const attributeField = { name: 1, integers: 8, strings: 9 } as const;

const labelLists = new Set(['classlabels_strings', 'classlabels_int64s', 'classlabels_ints']);

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The label of each probability column, for a classifier or a ZipMap. */
  readonly classLabels: readonly ClassValue[] | undefined;
}

/** What a model file declares besides its weights. */
export interface Graph {
  /** The converter that wrote it, e.g. `skl2onnx`, `OnnxMLTools`, `pytorch`. */
  readonly producer: string;
  readonly nodes: readonly GraphNode[];
}

/** Reads the main graph, without subgraphs and functions. Throws `artifact-invalid`. */
export function readGraph(model: Uint8Array): Graph {
  let producer = '';
  const nodes: GraphNode[] = [];
  for (const { number, bytes } of fieldsOf(model)) {
    if (bytes === undefined) continue;
    if (number === modelField.producer) producer = text(bytes);
    if (number !== modelField.graph) continue;
    for (const field of fieldsOf(bytes))
      if (field.number === graphField.node && field.bytes !== undefined) nodes.push(readNode(field.bytes));
  }
  return { producer, nodes };
}

export function readNode(bytes: Uint8Array): GraphNode {
  const node = { operator: '', inputs: [] as string[], outputs: [] as string[] };
  let classLabels: readonly ClassValue[] | undefined;
  for (const { number, bytes: content } of fieldsOf(bytes)) {
    if (content === undefined) continue;
    if (number === nodeField.input) node.inputs.push(text(content));
    if (number === nodeField.output) node.outputs.push(text(content));
    if (number === nodeField.operator) node.operator = text(content);
    if (number === nodeField.attribute) classLabels = labelsIn(content) ?? classLabels;
  }
  return { ...node, classLabels };
}

/** Returns the class labels of an attribute. Other attributes, which are large in tree ensembles, are not unpacked. */
function labelsIn(attribute: Uint8Array): readonly ClassValue[] | undefined {
  const fields = [...fieldsOf(attribute)];
  const name = fields.find(({ number }) => number === attributeField.name)?.bytes;
  if (name === undefined || !labelLists.has(text(name))) return undefined;
  const values = fields.flatMap((field): ClassValue[] => {
    if (field.number === attributeField.strings && field.bytes !== undefined) return [text(field.bytes)];
    return field.number === attributeField.integers ? unpackedVarints(field) : [];
  });
  return values.length === 0 ? undefined : values;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Operators whose output has the columns of their first input, in the same order. */
const keepColumns = new Set(['Identity', 'Cast', 'Normalizer', 'Reshape', 'Flatten', 'Clip', 'ZipMap']);
const mostSteps = 20;

/** Returns the label of each column of a probability tensor, if its operator or a ZipMap after it names them. */
export function classLabelsOf({ nodes }: Graph, tensor: string): readonly ClassValue[] | undefined {
  const zipMap = nodes.find(({ operator, inputs }) => operator === 'ZipMap' && inputs[0] === tensor);
  if (zipMap?.classLabels !== undefined) return zipMap.classLabels;
  let name = tensor;
  for (let step = 0; step < mostSteps; step += 1) {
    const maker = nodes.find(({ outputs }) => outputs.includes(name));
    if (maker?.classLabels !== undefined) return maker.classLabels;
    if (maker === undefined || !keepColumns.has(maker.operator)) return undefined;
    name = maker.inputs[0] ?? '';
  }
  return undefined;
}
