import { idColumn, instantColumn, recordedAtColumn } from '../connection/columns.ts';
import { recordedByColumn } from '../principals/principal-tables.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  sql,
  text,
  unique,
  uuid,
} from '../connection/orm.ts';
import type { ClassValue } from '../../contracts/models/signature.ts';

export const predictionSegments = pgTable(
  'prediction_segments',
  {
    id: idColumn(),
    gatewayId: uuid('gateway_id').notNull(),
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    sha256: text('sha256').notNull(),
    rows: bigint('rows', { mode: 'number' }).notNull(),
    dropped: bigint('dropped', { mode: 'number' }).notNull(),
    fromAt: instantColumn('from_at').notNull(),
    toAt: instantColumn('to_at').notNull(),
    /** Whether the segment's rows are in `predictions`. False for segments older than that table. */
    indexed: boolean('indexed').notNull().default(false),
    /**
     * Number of the segment's ids that it has twice or that an earlier segment has. Null for segments older than this
     * column.
     */
    repeated: bigint('repeated', { mode: 'number' }),
    recordedAt: recordedAtColumn(),
  },
  (t) => [index('prediction_segments_window').on(t.modelId, t.environment, t.fromAt, t.toAt)],
);

export const labels = pgTable(
  'labels',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    /** The label if it is a number; otherwise `class` holds it, as text or a boolean. */
    value: doublePrecision('value'),
    class: jsonb('class').$type<ClassValue>(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.environment, t.predictionId] }),
    /** For the expiry of labels. */
    index('labels_given').on(t.modelId, t.environment, t.effectiveAt),
    check('labels_number_or_class', sql`num_nonnulls(${t.value}, ${t.class}) = 1`),
  ],
);

/**
 * Index of predictions by which labels find theirs; the rows themselves are in the segments. Has no foreign key to the
 * model, because checking it would double the time to add a segment.
 */
export const predictions = pgTable(
  'predictions',
  {
    modelId: uuid('model_id').notNull(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    /** The request id given by the caller. `requestRow` is the row's position in the request. */
    request: text('request'),
    requestRow: integer('request_row'),
    modelVersion: integer('model_version').notNull(),
    happenedAt: instantColumn('happened_at').notNull(),
    gatewayId: uuid('gateway_id').notNull(),
    recordedAt: instantColumn('recorded_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.environment, t.predictionId] }),
    index('predictions_request')
      .on(t.modelId, t.environment, t.request)
      .where(sql`request is not null`),
    /** For the expiry of index entries. */
    index('predictions_happened').on(t.modelId, t.environment, t.happenedAt),
  ],
);

/** Labels whose predictions have not arrived. A label names its prediction by id, or by request and optionally row. */
export const waitingLabels = pgTable(
  'waiting_labels',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id'),
    request: text('request'),
    requestRow: integer('request_row'),
    value: doublePrecision('value'),
    class: jsonb('class').$type<ClassValue>(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    unique('waiting_labels_once')
      .on(t.modelId, t.environment, t.predictionId, t.request, t.requestRow)
      .nullsNotDistinct(),
    index('waiting_labels_age').on(t.modelId, t.environment, t.recordedAt),
    check('waiting_labels_id_or_request', sql`num_nonnulls(${t.predictionId}, ${t.request}) = 1`),
    check('waiting_labels_number_or_class', sql`num_nonnulls(${t.value}, ${t.class}) = 1`),
  ],
);

/** Values that labels had before a correction. The ledger entry with this sequence number contains their digest. */
export const labelCorrections = pgTable(
  'label_corrections',
  {
    modelId: modelIdColumn(),
    sequence: integer('sequence').notNull(),
    environment: text('environment').notNull(),
    predictionId: text('prediction_id').notNull(),
    replaced: jsonb('replaced').$type<ClassValue>().notNull(),
    replacement: jsonb('replacement').$type<ClassValue>().notNull(),
    recordedAt: recordedAtColumn(),
    effectiveAt: instantColumn('effective_at').notNull(),
    recordedBy: recordedByColumn(),
  },
  (t) => [
    primaryKey({ columns: [t.modelId, t.sequence, t.predictionId] }),
    index('label_corrections_made').on(t.modelId, t.environment, t.effectiveAt),
  ],
);
