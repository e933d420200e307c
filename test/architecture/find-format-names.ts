import type { SourceTree } from './check-imports.ts';

/** The names of model formats, in any spelling. */
const formatNames = /onnx/i;

/** The only places of the product whose texts name a format, and why. */
export const placesThatNameFormats: readonly { readonly place: string; readonly reason: string }[] = [
  { place: 'contracts/model-format.ts', reason: 'registers the formats' },
  { place: 'adapters/model-formats/onnx/', reason: 'is the format' },
];

/** The only places of the product that import from the folder of a format. */
const importersOfFormats = ['adapters/model-formats/model-formats.ts', 'adapters/model-formats/onnx/'];

const apart = ['test/', 'bench/', 'examples/', 'docs/'];

/** `file:line`, of texts and imports outside these places that name a format. */
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
