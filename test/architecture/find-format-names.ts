import type { SourceTree } from './check-imports.ts';

/** Matches the name of a model format in any spelling. */
const formatNames = /onnx/i;

/** The only places in the product where a string may name a model format, each with its reason. */
export const placesThatNameFormats: readonly { readonly place: string; readonly reason: string }[] = [
  { place: 'contracts/model-format.ts', reason: 'registers the formats' },
  { place: 'adapters/model-formats/onnx/', reason: 'is the format' },
];

/** The only places in the product that may import from a model format's folder. */
const importersOfFormats = ['adapters/model-formats/model-formats.ts', 'adapters/model-formats/onnx/'];

const apart = ['test/', 'bench/', 'examples/', 'docs/'];

/** Returns `file:line` of each string or import that names a model format outside the permitted places. */
export function findFormatNames(tree: SourceTree): string[] {
  return [...tree].flatMap(([path, { imports, texts }]) => {
    if (isIn(path, apart)) return [];
    const placed = placesThatNameFormats.map(({ place }) => place);
    const named = isIn(path, placed) ? [] : texts.filter(({ text }) => formatNames.test(text));
    const imported = isIn(path, importersOfFormats) ? [] : imports.filter((found) => formatNames.test(found.specifier));
    return [...named, ...imported].map(({ line }) => `${path}:${line}`);
  });
}

export function isIn(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
}
