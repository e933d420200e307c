import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { pgTable, sql, text, uniqueIndex, uuid } from '../connection/orm.ts';

export const recordedByColumn = () =>
  uuid('recorded_by')
    .notNull()
    .references(() => principals.id);

export const principals = pgTable('principals', {
  id: idColumn(),
  name: text('name').notNull().unique(),
  kind: text('kind', { enum: ['person', 'service'] }).notNull(),
  archivedAt: instantColumn('archived_at'),
  recordedAt: recordedAtColumn(),
  /** Null: created by the installation itself. */
  recordedBy: uuid('recorded_by'),
});

export const grants = pgTable(
  'grants',
  {
    id: idColumn(),
    principalId: uuid('principal_id')
      .notNull()
      .references(() => principals.id),
    role: text('role', { enum: ['viewer', 'operator', 'approver', 'admin'] }).notNull(),
    project: text('project'),
    model: text('model'),
    environment: text('environment'),
    recordedAt: recordedAtColumn(),
    recordedBy: uuid('recorded_by'),
  },
  (t) => [
    uniqueIndex('grants_once').on(
      t.principalId,
      t.role,
      sql`coalesce(project, '')`,
      sql`coalesce(model, '')`,
      sql`coalesce(environment, '')`,
    ),
  ],
);

export const apiKeys = pgTable('api_keys', {
  id: idColumn(),
  principalId: uuid('principal_id')
    .notNull()
    .references(() => principals.id),
  hash: text('hash').notNull().unique(),
  label: text('label').notNull(),
  /** By the wall clock. Null: valid until revoked. */
  expiresAt: instantColumn('expires_at'),
  revokedAt: instantColumn('revoked_at'),
  revokedBy: uuid('revoked_by'),
  recordedAt: recordedAtColumn(),
  recordedBy: uuid('recorded_by'),
});
