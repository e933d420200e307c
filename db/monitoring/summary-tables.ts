import { recordedAtColumn, schemaVersionColumn } from '../connection/columns.ts';
import { modelIdColumn } from '../models/model-tables.ts';
import { jsonb, pgTable, primaryKey, text } from '../connection/orm.ts';
import type { Counting, SegmentSummary } from '../../ports/segment-summary.ts';

/** How gateways summarise the segments that they seal: as the last report wanted it. */
export const segmentCountings = pgTable(
  'segment_countings',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    /** Digest of the counting. */
    key: text('key').notNull(),
    counting: jsonb('counting').$type<Counting>().notNull(),
    schemaVersion: schemaVersionColumn(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment] })],
);

/** Summaries of segments, at most two for each: those of the countings that were used last. */
export const segmentSummaries = pgTable(
  'segment_summaries',
  {
    modelId: modelIdColumn(),
    environment: text('environment').notNull(),
    /** Digest of the segment's Parquet. */
    segment: text('segment').notNull(),
    /** Digest of the counting. */
    counting: text('counting').notNull(),
    summary: jsonb('summary').$type<SegmentSummary>().notNull(),
    /** Digest of the summary. */
    sha256: text('sha256').notNull(),
    recordedAt: recordedAtColumn(),
  },
  (t) => [primaryKey({ columns: [t.modelId, t.environment, t.segment, t.counting] })],
);
