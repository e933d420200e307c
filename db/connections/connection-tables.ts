import { connectionKindNames } from '../../contracts/access/connection.ts';
import { recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { pgTable, primaryKey, text } from '../connection/orm.ts';
import { projects } from '../models/model-tables.ts';

/** Named connections. `sealed` holds the encrypted settings including secrets, and is null after removal. */
export const connections = pgTable(
  'connections',
  {
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    kind: text('kind', { enum: connectionKindNames }).notNull(),
    target: text('target').notNull(),
    sealed: text('sealed'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [primaryKey({ columns: [t.project, t.name] })],
);
