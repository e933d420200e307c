import { integer, sql, timestamp, uuid } from './orm.ts';

// Columns shared by many tables. `recordedAt` is wall-clock time; `effectiveAt` is the environment's time.

export const idColumn = () => uuid('id').primaryKey();
export const instantColumn = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
export const recordedAtColumn = () =>
  instantColumn('recorded_at')
    .notNull()
    .default(sql`now()`);
/** Version of the row's JSON columns that contain no version themselves: lists, and objects whose type is shared. */
export const schemaVersionColumn = () => integer('schema_version').notNull().default(1);
