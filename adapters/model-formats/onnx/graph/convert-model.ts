import { cutZipMaps } from './cut-zip-maps.ts';
import type { FilesBeside } from './inline-external-data.ts';
import { inlineExternalData } from './inline-external-data.ts';
import { broken, fieldsOf, joined, lengthDelimited } from './protobuf.ts';
import { widenHalves } from './widen-halves.ts';

const graphField = 7;

export interface ConvertedModel {
  readonly bytes: Uint8Array;
  /** One sentence per conversion; empty if the bytes are unchanged. */
  readonly notes: readonly string[];
}

/** Converts a model into one that can be served, without changing its answers. Throws `artifact-invalid`. */
export function convertModel(model: Uint8Array, files: FilesBeside): ConvertedModel {
  const whole = inlineExternalData(model, files);
  const fields = [...fieldsOf(whole)];
  const graphs = fields.filter(({ number, bytes }) => number === graphField && bytes !== undefined);
  // Parsers merge repeated graphs differently, so the outputs would be ambiguous.
  if (graphs.length > 1) throw broken('it has more than one graph');
  const cut = cutZipMaps(graphs[0]?.bytes ?? new Uint8Array());
  const widened = widenHalves(cut.graph);
  const notes = [
    ...(whole === model ? [] : ['tensors that were stored in other files were copied into the model']),
    ...cut.notes,
    ...widened.notes,
  ];
  if (cut.notes.length + widened.notes.length === 0) return { bytes: whole, notes };
  const bytes = joined(
    fields.map((field) => (field.number === graphField ? lengthDelimited(graphField, widened.graph) : field.whole)),
  );
  return { bytes, notes };
}
