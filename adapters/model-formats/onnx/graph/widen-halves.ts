import { deepest } from './onnx-messages.ts';
import { broken, fieldsOf, joined, lengthDelimited, textField, varintField } from './protobuf.ts';

const graphField = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 } as const;
const nodeField = { input: 1, output: 2, operator: 4, attribute: 5 } as const;
const attributeField = { name: 1, integer: 3, graph: 6, type: 20, graphs: 11 } as const;
const initializerName = 8;
const [float, half, integerAttribute] = [1, 10, 2];

/**
 * Turns float16 inputs and outputs into float32, with a cast after each input and before each output: the
 * runtime for Node does not accept float16. The computation in between stays in float16.
 */
export function widenHalves(graph: Uint8Array): { readonly graph: Uint8Array; readonly notes: readonly string[] } {
  const fields = [...fieldsOf(graph)];
  const named = (number: number): ReadonlySet<string> =>
    new Set(fields.flatMap((field) => (field.number === number ? halfName(field.bytes) : [])));
  const initial = new Set(
    fields.flatMap(({ number, bytes }) => (number === graphField.initializer ? textOf(bytes, initializerName) : [])),
  );
  const outputs = named(graphField.output);
  // A tensor that is both input and output leaves no room for a cast. Its type is refused later.
  const inputs = new Set([...named(graphField.input)].filter((name) => !initial.has(name) && !outputs.has(name)));
  const widened = new Set([...inputs, ...outputs]);
  if (widened.size === 0) return { graph, notes: [] };
  const parts = fields.flatMap(({ number, bytes = new Uint8Array(), whole }) => {
    if (number === graphField.node) return [lengthDelimited(number, renamedNode(bytes, widened, 0))];
    if (number === graphField.valueInfo) return widened.has(textOf(bytes, 1)[0] ?? '') ? [] : [whole];
    const edges = number === graphField.input ? inputs : number === graphField.output ? outputs : undefined;
    if (edges === undefined || !edges.has(textOf(bytes, 1)[0] ?? '')) return [whole];
    return [lengthDelimited(number, asFloat(bytes))];
  });
  const before = Array.from(inputs, (name) => cast(name, renamed(name), half));
  const after = Array.from(outputs, (name) => cast(renamed(name), name, float));
  const names = [...widened].map((name) => `"${name}"`).join(', ');
  return {
    graph: joined([...before, ...parts, ...after]),
    notes: [`these inputs and outputs were changed from float16 to float32: ${names}`],
  };
}

function renamed(name: string): string {
  return `${name}/float16`;
}

/** Renames tensors in a node and in its subgraphs, which use the same names. */
function renamedNode(node: Uint8Array, names: ReadonlySet<string>, depth: number): Uint8Array {
  if (depth > deepest) throw broken(`it is nested more than ${deepest} levels deep`);
  return mapped(node, (number, content) => {
    if (number === nodeField.input || number === nodeField.output) {
      const name = new TextDecoder().decode(content);
      return names.has(name) ? new TextEncoder().encode(renamed(name)) : content;
    }
    if (number !== nodeField.attribute) return content;
    return mapped(content, (part, subgraph) =>
      part === attributeField.graph || part === attributeField.graphs
        ? mapped(subgraph, (field, inner) => (field === graphField.node ? renamedNode(inner, names, depth + 1) : inner))
        : subgraph,
    );
  });
}

/** Returns the message with the content of its fields changed. Fields without content are copied. */
function mapped(message: Uint8Array, change: (number: number, content: Uint8Array) => Uint8Array): Uint8Array {
  return joined(
    Array.from(fieldsOf(message), ({ number, bytes, whole }) => {
      const next = bytes && change(number, bytes);
      return next === undefined || next === bytes ? whole : lengthDelimited(number, next);
    }),
  );
}

/** Returns the name of a float16 value; an empty list for another type. */
function halfName(valueInfo: Uint8Array | undefined): string[] {
  const [tensor] = messagesIn(messagesIn(valueInfo, 2)[0], 1);
  const type = [...fieldsOf(tensor ?? new Uint8Array())].find(({ number }) => number === 1)?.varint;
  return Number(type ?? 0n) === half ? textOf(valueInfo, 1) : [];
}

function asFloat(valueInfo: Uint8Array): Uint8Array {
  return mapped(valueInfo, (number, content) =>
    number === 2 ? mapped(content, (kind, tensor) => (kind === 1 ? withType(tensor, float) : tensor)) : content,
  );
}

function withType(tensor: Uint8Array, type: number): Uint8Array {
  const rest = [...fieldsOf(tensor)].filter(({ number }) => number !== 1);
  return joined([varintField(1, type), ...rest.map(({ whole }) => whole)]);
}

function cast(from: string, to: string, type: number): Uint8Array {
  const attribute = [
    textField(attributeField.name, 'to'),
    varintField(attributeField.integer, type),
    varintField(attributeField.type, integerAttribute),
  ];
  const node = [
    textField(nodeField.input, from),
    textField(nodeField.output, to),
    textField(nodeField.operator, 'Cast'),
    lengthDelimited(nodeField.attribute, joined(attribute)),
  ];
  return lengthDelimited(graphField.node, joined(node));
}

function messagesIn(message: Uint8Array | undefined, wanted: number): Uint8Array[] {
  return [...fieldsOf(message ?? new Uint8Array())].flatMap(({ number, bytes }) =>
    number === wanted && bytes !== undefined ? [bytes] : [],
  );
}

function textOf(message: Uint8Array | undefined, wanted: number): string[] {
  return messagesIn(message, wanted).map((bytes) => new TextDecoder().decode(bytes));
}
