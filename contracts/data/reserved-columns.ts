/** Lower-case names of the columns that Perennial adds to rows. */
export const reservedColumns: ReadonlySet<string> = new Set(['_at', '_file', '_row', '_line', '_local', '_broke']);
