import { z } from 'zod';

/** The column types of datasets. The first ingestion of a column fixes its type to one of these. */
export const ColumnType = z.enum(['boolean', 'integer', 'number', 'string', 'timestamp', 'date']);
export type ColumnType = z.infer<typeof ColumnType>;

/** The values that `data.columns` accepts for a column: a type, `category` or `ignore`. */
export const DeclaredType = z.enum([...ColumnType.options, 'category', 'ignore']);
export type DeclaredType = z.infer<typeof DeclaredType>;

export const Column = z.object({ name: z.string().min(1).max(200), type: ColumnType, nullable: z.boolean() });
export type Column = z.infer<typeof Column>;

/** A cell in JSON. Timestamps and dates are ISO 8601 text; integers beyond 2^53 are text. */
export type Cell = string | number | boolean | null;
