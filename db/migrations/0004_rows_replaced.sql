ALTER TABLE "dataset_versions" ADD COLUMN "rows_replaced" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "dataset_versions" ADD COLUMN "rows_removed" bigint DEFAULT 0 NOT NULL;