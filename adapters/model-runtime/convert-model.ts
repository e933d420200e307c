import { cutZipMaps } from './cut-zip-maps.ts';
import type { FilesBeside } from './inline-external-data.ts';
import { inlineExternalData } from './inline-external-data.ts';
import { broken, fieldsOf, joined, lengthDelimited } from './protobuf.ts';
import { widenHalves } from './widen-halves.ts';

const graphField = 7;

export interface ConvertedModel {
  readonly bytes: Uint8Array;
  /** What was converted, one sentence each; none: the bytes are those that were given. */
  readonly notes: readonly string[];
}

/** Makes of a model one that is served, where nothing of its answers is lost by it. `artifact-invalid` */
export function convertModel(model: Uint8Array, files: FilesBeside): ConvertedModel {
  const whole = inlineExternalData(model, files);
  const fields = [...fieldsOf(whole)];
  const graphs = fields.filter(({ number, bytes }) => number === graphField && bytes !== undefined);
  // Parsers join several into one; which of them has the outputs is then anybody's guess.
  if (graphs.length > 1) throw broken('it has more than one graph');
  const cut = cutZipMaps(graphs[0]?.bytes ?? new Uint8Array());
  const widened = widenHalves(cut.graph);
  const notes = [
    ...(whole === model ? [] : ['tensors kept in other files were taken into it']),
    ...cut.notes,
    ...widened.notes,
  ];
  if (cut.notes.length + widened.notes.length === 0) return { bytes: whole, notes };
  const bytes = joined(
    fields.map((field) => (field.number === graphField ? lengthDelimited(graphField, widened.graph) : field.whole)),
  );
  return { bytes, notes };
}
