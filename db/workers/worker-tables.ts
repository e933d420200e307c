import { idColumn, instantColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { jsonb, pgTable, text } from '../connection/orm.ts';
import type { Isolation } from '../../contracts/runs/isolation.ts';

/** Workers that have said what isolates what they run; a silent one is forgotten after a day. */
export const workers = pgTable('workers', {
  id: idColumn(),
  host: text('host').notNull(),
  isolation: jsonb('isolation').$type<Isolation>().notNull(),
  schemaVersion: schemaVersionColumn(),
  startedAt: instantColumn('started_at').notNull(),
  seenAt: instantColumn('seen_at').notNull(),
  recordedAt: recordedAtColumn(),
});
