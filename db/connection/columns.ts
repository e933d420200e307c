import { integer, sql, timestamp, uuid } from './orm.ts';

// What columns of many tables look like. `recordedAt` is the wall clock, `effectiveAt` the environment's.

export const idColumn = () => uuid('id').primaryKey();
export const instantColumn = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
export const recordedAtColumn = () =>
  instantColumn('recorded_at')
    .notNull()
    .default(sql`now()`);
/** Of the JSON in a row that names no version of its own: lists, and objects whose shape is shared with what has none. */
export const schemaVersionColumn = () => integer('schema_version').notNull().default(1);
