import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { jsonb, pgTable, text } from '../connection/orm.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';

/** Workers that have reported how they isolate user code. A worker that is silent for a day is deleted. */
export const workers = pgTable('workers', {
  id: idColumn(),
  host: text('host').notNull(),
  isolation: jsonb('isolation').$type<Isolation>().notNull(),
  schemaVersion: schemaVersionColumn(),
  startedAt: instantColumn('started_at').notNull(),
  seenAt: instantColumn('seen_at').notNull(),
  recordedAt: recordedAtColumn(),
});
