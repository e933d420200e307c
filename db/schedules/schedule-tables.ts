import { instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { boolean, pgTable, primaryKey, text } from '../connection/orm.ts';

export const schedules = pgTable(
  'schedules',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    name: text('name').notNull(),
    cron: text('cron').notNull(),
    timezone: text('timezone').notNull(),
    paused: boolean('paused').notNull(),
    overlap: text('overlap', { enum: ['skip', 'buffer-one', 'allow-all'] }).notNull(),
    /** Due time of the latest firing that caused a trigger. */
    lastFiredAt: instantColumn('last_fired_at'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.name] })],
);
