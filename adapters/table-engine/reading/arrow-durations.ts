/**
 * Returns the names of the columns that an Arrow schema declares as durations. The schema is a message of Arrow's IPC
 * format, which is a FlatBuffer: https://arrow.apache.org/docs/format/Columnar.html, `Message.fbs` and `Schema.fbs`.
 * Returns no names if the bytes are not such a message.
 */
export function arrowDurations(bytes: Buffer): readonly string[] {
  try {
    // A continuation marker and a length precede the message; older writers omit the marker.
    const message = bytes.subarray(bytes.readUInt32LE(0) === 0xffffffff ? 8 : 4);
    const schema = tableAt(message, pointerAt(message, 0)).table(messageHeader);
    return (schema?.tables(schemaFields) ?? []).flatMap((field) =>
      field.byte(fieldTypeKind) === durationKind ? [field.text(fieldName)] : [],
    );
  } catch (caught) {
    if (caught instanceof RangeError) return [];
    throw caught;
  }
}

// Slots of fields in their FlatBuffer tables, in the order of Arrow's definitions; a union takes two slots.
const messageHeader = 2;
const schemaFields = 1;
const fieldName = 0;
const fieldTypeKind = 2;
const durationKind = 18;

interface Table {
  byte(place: number): number;
  text(place: number): string;
  table(place: number): Table | undefined;
  tables(place: number): readonly Table[];
}

/** Reads a FlatBuffer table. A table begins with the distance back to its vtable, in which 0 marks an absent field. */
function tableAt(bytes: Buffer, start: number): Table {
  const places = start - bytes.readInt32LE(start);
  const fieldAt = (place: number): number | undefined => {
    const at = 4 + 2 * place;
    const offset = at < bytes.readUInt16LE(places) ? bytes.readUInt16LE(places + at) : 0;
    return offset === 0 ? undefined : start + offset;
  };
  const target = (place: number): number | undefined => {
    const field = fieldAt(place);
    return field === undefined ? undefined : pointerAt(bytes, field);
  };
  return {
    byte: (place) => {
      const field = fieldAt(place);
      return field === undefined ? 0 : bytes.readUInt8(field);
    },
    text: (place) => {
      const at = target(place);
      return at === undefined ? '' : bytes.toString('utf8', at + 4, at + 4 + bytes.readUInt32LE(at));
    },
    table: (place) => {
      const at = target(place);
      return at === undefined ? undefined : tableAt(bytes, at);
    },
    tables: (place) => {
      const at = target(place);
      if (at === undefined) return [];
      const length = bytes.readUInt32LE(at);
      // A length that exceeds the bytes is not that of a valid vector.
      if (length > bytes.length / 4) return [];
      return Array.from({ length }, (_, index) => tableAt(bytes, pointerAt(bytes, at + 4 + 4 * index)));
    },
  };
}

function pointerAt(bytes: Buffer, at: number): number {
  return at + bytes.readUInt32LE(at);
}
