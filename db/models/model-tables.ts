import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { integer, jsonb, pgTable, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { Configuration } from '../../contracts/configuration/configuration.ts';

export const modelIdColumn = () =>
  uuid('model_id')
    .notNull()
    .references(() => models.id);

export const projects = pgTable('projects', {
  name: text('name').primaryKey(),
  recordedAt: recordedAtColumn(),
  recordedBy: recordedByColumn(),
});

export const models = pgTable(
  'models',
  {
    id: idColumn(),
    project: text('project')
      .notNull()
      .references(() => projects.name),
    name: text('name').notNull(),
    task: text('task', { enum: ['regression', 'binary', 'multiclass'] }).notNull(),
    owner: text('owner').notNull(),
    archivedAt: instantColumn('archived_at'),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [uniqueIndex('models_name').on(t.project, t.name)],
);

export const configurations = pgTable(
  'configurations',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    body: jsonb('body').$type<Configuration>().notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('configurations_number').on(t.modelId, t.number),
    uniqueIndex('configurations_digest').on(t.modelId, t.digest),
  ],
);
