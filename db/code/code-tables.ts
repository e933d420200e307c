import { idColumn, recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { integer, jsonb, pgTable, text, uniqueIndex, uuid } from '../connection/orm.ts';
import type { CodeManifest, CodeOrigin } from '../../contracts/code/code-version.ts';

export const codeVersions = pgTable(
  'code_versions',
  {
    id: idColumn(),
    modelId: modelIdColumn(),
    number: integer('number').notNull(),
    digest: text('digest').notNull(),
    manifest: jsonb('manifest').$type<CodeManifest>().notNull(),
    origin: jsonb('origin').$type<CodeOrigin>().notNull(),
    schemaVersion: schemaVersionColumn(),
    runId: uuid('run_id').notNull(),
    recordedAt: recordedAtColumn(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    uniqueIndex('code_versions_number').on(t.modelId, t.number),
    uniqueIndex('code_versions_digest').on(t.modelId, t.digest),
  ],
);
