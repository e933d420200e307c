import { z } from 'zod';

/** The column types that Perennial keeps; everything that a file brings is pinned to one of them at its first ingestion. */
export const ColumnType = z.enum(['boolean', 'integer', 'number', 'string', 'timestamp', 'date']);
export type ColumnType = z.infer<typeof ColumnType>;

/** What `data.columns` may say of a column: its type, that its values are categories, or that it is left out. */
export const DeclaredType = z.enum([...ColumnType.options, 'category', 'ignore']);
export type DeclaredType = z.infer<typeof DeclaredType>;

export const Column = z.object({ name: z.string().min(1).max(200), type: ColumnType, nullable: z.boolean() });
export type Column = z.infer<typeof Column>;

/** A cell as it travels in JSON: timestamps and dates as ISO text; integers beyond 2^53 as text. */
export type Cell = string | number | boolean | null;
