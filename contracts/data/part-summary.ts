import { z } from 'zod';
import { CellValue } from './dataset-version.ts';
import { Sha256 } from '../identifiers.ts';

/** What the rows of a part add to the profile of one column. */
export const ColumnPiece = z.object({
  name: z.string(),
  /** Number of rows, including rows without a value. */
  count: z.number().int(),
  nulls: z.number().int(),
  min: CellValue,
  max: CellValue,
  /** For numbers; for booleans, the share of true. null if there is no value or the number overflows. */
  mean: z.number().nullable(),
  /** Sum of the squared differences from the mean; null for other types than numbers, or if it overflows. */
  squares: z.number().nullable(),
});
export type ColumnPiece = z.infer<typeof ColumnPiece>;

/**
 * Facts about the rows of a part, from which an append decides whether it must read the part. It is derived from the
 * part's bytes, is no part of a version's identity, and is a blob.
 */
export const PartFacts = z.object({
  schemaVersion: z.literal(1),
  /** Stored types of the part's columns, by the names of the table engine, including `_at`. */
  stored: z.array(z.object({ name: z.string(), type: z.string() })),
  /** The column of the keys; null if the dataset had no key. */
  key: z.string().nullable(),
  /** The smallest and the largest key, as text; null without keys, or if they are too long. */
  bounds: z.object({ min: z.string(), max: z.string() }).nullable(),
  pieces: z.array(ColumnPiece),
});
export type PartFacts = z.infer<typeof PartFacts>;

/** Names the facts of a part, and the file of its 64-bit key hashes, both blobs. */
export const PartSummary = z.object({ part: Sha256, facts: Sha256, keys: Sha256.nullable() });
export type PartSummary = z.infer<typeof PartSummary>;
