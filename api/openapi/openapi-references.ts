const components = '#/components/schemas/';
const anyJson = 'JsonValue';

const jsonValue = {
  description: 'Any JSON value',
  anyOf: [
    { type: ['string', 'number', 'boolean', 'null'] },
    { type: 'array', items: { $ref: components + anyJson } },
    { type: 'object', additionalProperties: { $ref: components + anyJson } },
  ],
};

type Json = Record<string, unknown>;

/**
 * Returns the document with all references resolved and without unused schemas. The generator leaves references of
 * recursive schemas dangling. The only recursive schema is any JSON value, so dangling references are pointed to it.
 */
export function withResolvedReferences(document: object): Json {
  const schemas: Json = { ...schemasOf(document), [anyJson]: jsonValue };
  const rename = (reference: string) =>
    reference.startsWith(components) && !Object.hasOwn(schemas, reference.slice(components.length))
      ? components + anyJson
      : reference;
  const named = mapReferences({ ...document, components: {} }, rename);
  const wanted = new Map<string, unknown>();
  collect(named, (name) => mapReferences(schemas[name], rename), wanted);
  const others = 'components' in document && isRecord(document.components) ? document.components : {};
  return {
    ...(isRecord(named) ? named : {}),
    components: { ...others, schemas: Object.fromEntries([...wanted].toSorted(([a], [b]) => a.localeCompare(b))) },
  };
}

function schemasOf(document: object): Json {
  const all = 'components' in document && isRecord(document.components) ? document.components['schemas'] : undefined;
  return isRecord(all) ? all : {};
}

/** Collects the schemas that the value refers to, directly or indirectly. */
function collect(value: unknown, read: (name: string) => unknown, into: Map<string, unknown>): void {
  mapReferences(value, (reference) => {
    const name = reference.slice(components.length);
    if (reference.startsWith(components) && !into.has(name)) {
      const schema = read(name);
      into.set(name, schema);
      collect(schema, read, into);
    }
    return reference;
  });
}

function mapReferences(value: unknown, change: (reference: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => mapReferences(item, change));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === '$ref' && typeof item === 'string' ? change(item) : mapReferences(item, change),
    ]),
  );
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
