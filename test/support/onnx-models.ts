import onnxProto from 'onnx-proto';

const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
type Tensor = onnxProto.onnx.ITensorProto;
type Value = onnxProto.onnx.IValueInfoProto;
type Node = onnxProto.onnx.INodeProto;

export type ElementType = keyof typeof TensorProto.DataType;

/** A free dimension by its name, or a fixed one by its size. */
export type Dimensions = readonly (string | number)[];

export function value(name: string, type: ElementType, dimensions: Dimensions): Value {
  const dim = dimensions.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: TensorProto.DataType[type], shape: { dim } } } };
}

export function floats(
  name: string,
  dims: readonly number[],
  data: readonly number[],
  type: 'FLOAT' | 'DOUBLE' = 'FLOAT',
): Tensor {
  const values = type === 'FLOAT' ? { floatData: [...data] } : { doubleData: [...data] };
  return { name, dims: [...dims], dataType: TensorProto.DataType[type], ...values };
}

/** Returns a tensor that claims to have its bytes in a file beside the model. */
export function externalTensor(
  name: string,
  dims: readonly number[],
  location: string,
  range: Readonly<Record<string, string>> = {},
): Tensor {
  return {
    name,
    dims: [...dims],
    dataType: TensorProto.DataType.FLOAT,
    dataLocation: TensorProto.DataLocation.EXTERNAL,
    externalData: [
      { key: 'location', value: location },
      ...Object.entries(range).map(([key, text]) => ({ key, value: text })),
    ],
  };
}

export function node(
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: Node['attribute'] = [],
): Node {
  return { opType, input: [...input], output: [...output], attribute };
}

export interface OnnxGraph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly initializers?: readonly Tensor[];
  readonly rest?: Omit<onnxProto.onnx.IModelProto, 'graph'>;
}

export function model({ nodes, inputs, outputs, initializers = [], rest = {} }: OnnxGraph): Uint8Array {
  const bytes = ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 15 }],
    ...rest,
    graph: { name: 'test', node: [...nodes], input: [...inputs], output: [...outputs], initializer: [...initializers] },
  }).finish();
  return new Uint8Array(bytes);
}

/** Returns a node attribute that holds a list. */
export function list(name: string, values: readonly (number | string)[]): NonNullable<Node['attribute']>[number] {
  const strings = values.filter((entry) => typeof entry === 'string');
  return strings.length > 0
    ? {
        name,
        type: AttributeProto.AttributeType.STRINGS,
        strings: strings.map((text) => new TextEncoder().encode(text)),
      }
    : { name, type: AttributeProto.AttributeType.INTS, ints: values.map(Number) };
}

export function integerAttribute(name: string, i: number): NonNullable<Node['attribute']>[number] {
  return { name, type: AttributeProto.AttributeType.INT, i };
}

/** Model options that import the `ai.onnx.ml` operators, which scikit-learn models use. */
export const withMachineLearning = {
  opsetImport: [
    { domain: '', version: 15 },
    { domain: 'ai.onnx.ml', version: 3 },
  ],
};

export interface Linear {
  readonly features: readonly string[];
  readonly weights: readonly number[];
  readonly bias: number;
}

/**
 * Returns `weights · features + bias`, with one input `x` of shape `[rows, features]` and the output `y` of shape
 * `[rows, 1]`.
 */
export function linearModel({ features, weights, bias }: Linear, type: 'FLOAT' | 'DOUBLE' = 'FLOAT'): Uint8Array {
  return model({
    nodes: [node('MatMul', ['x', 'weights'], ['product']), node('Add', ['product', 'bias'], ['y'])],
    inputs: [value('x', type, ['rows', features.length])],
    outputs: [value('y', type, ['rows', 1])],
    initializers: [floats('weights', [features.length, 1], weights, type), floats('bias', [1], [bias], type)],
  });
}

/** Returns the same model with one input of shape `[rows, 1]` per feature. No internal name can be a feature's name. */
export function columnsModel({ features, weights, bias }: Linear): Uint8Array {
  return model({
    nodes: [
      node('Concat', features, ['::joined'], [{ name: 'axis', type: AttributeProto.AttributeType.INT, i: 1 }]),
      node('MatMul', ['::joined', '::weights'], ['::product']),
      node('Add', ['::product', '::bias'], ['y']),
    ],
    inputs: features.map((name) => value(name, 'FLOAT', ['rows', 1])),
    outputs: [value('y', 'FLOAT', ['rows', 1])],
    initializers: [floats('::weights', [features.length, 1], weights), floats('::bias', [1], [bias])],
  });
}

/** Returns `2 · temp + hum` with one input of shape `[rows, 2]`, where a missing value counts as 0. */
export function tolerantModel(): Uint8Array {
  return model({
    nodes: [
      node('IsNaN', ['x'], ['missing']),
      node('Where', ['missing', 'zero', 'x'], ['known']),
      node('MatMul', ['known', 'weights'], ['y']),
    ],
    inputs: [value('x', 'FLOAT', ['rows', 2])],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
    initializers: [floats('zero', [1], [0]), floats('weights', [2, 1], [2, 1])],
  });
}

/** Returns `log(x)` of its one feature, which is not a number for x below zero. */
export function logarithmModel(): Uint8Array {
  return model({
    nodes: [node('Log', ['x'], ['y'])],
    inputs: [value('x', 'FLOAT', ['rows', 1])],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
  });
}

/**
 * Returns a model of `a`, `b` (float), `city` (text) and `rooms` (int64), each of shape `[rows, 1]`. It predicts `a +
 * b`, or `2 · a` where b is NaN; plus 100 where the city is "unknown"; plus 1000 for each room.
 */
export function fillableModel(): Uint8Array {
  return model({
    nodes: [
      node('IsNaN', ['b'], ['lacksB']),
      node('Where', ['lacksB', 'a', 'b'], ['b2']),
      node('Add', ['a', 'b2'], ['sum']),
      node(
        'LabelEncoder',
        ['city'],
        ['cityValue'],
        [
          { name: 'keys_strings', type: AttributeProto.AttributeType.STRINGS, strings: [Buffer.from('unknown')] },
          { name: 'values_floats', type: AttributeProto.AttributeType.FLOATS, floats: [100] },
          { name: 'default_float', type: AttributeProto.AttributeType.FLOAT, f: 0 },
        ],
      ),
      node(
        'Cast',
        ['rooms'],
        ['roomsFloat'],
        [{ name: 'to', type: AttributeProto.AttributeType.INT, i: TensorProto.DataType.FLOAT }],
      ),
      node('Mul', ['roomsFloat', 'thousand'], ['roomsValue']),
      node('Add', ['sum', 'cityValue'], ['withCity']),
      node('Add', ['withCity', 'roomsValue'], ['y']),
    ].map((each) => (each.opType === 'LabelEncoder' ? { ...each, domain: 'ai.onnx.ml' } : each)),
    inputs: [
      value('a', 'FLOAT', ['rows', 1]),
      value('b', 'FLOAT', ['rows', 1]),
      value('city', 'STRING', ['rows', 1]),
      value('rooms', 'INT64', ['rows', 1]),
    ],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
    initializers: [floats('thousand', [1], [1000])],
    rest: {
      irVersion: 8,
      opsetImport: [
        { domain: '', version: 15 },
        { domain: 'ai.onnx.ml', version: 2 },
      ],
    },
  });
}

/** Returns a linear model whose weights are in another file. */
export function externalModel(location = 'weights.bin'): Uint8Array {
  return model({
    nodes: [node('MatMul', ['x', 'weights'], ['y'])],
    inputs: [value('x', 'FLOAT', ['rows', 2])],
    outputs: [value('y', 'FLOAT', ['rows', 1])],
    initializers: [externalTensor('weights', [2, 1], location)],
  });
}

/** Declares an output as a ZipMap does: a list of maps from label to probability. */
export function listOfMaps(name: string): Value {
  const numbers = { tensorType: { elemType: TensorProto.DataType.FLOAT, shape: {} } };
  const mapType = { keyType: TensorProto.DataType.STRING, valueType: numbers };
  return { name, type: { sequenceType: { elemType: { mapType } } } };
}

export function zipMap(tensor: string, output: string, labels: readonly string[]): Node {
  return { ...node('ZipMap', [tensor], [output], [list('classlabels_strings', labels)]), domain: 'ai.onnx.ml' };
}
