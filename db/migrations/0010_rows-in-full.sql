ALTER TABLE "code_versions" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "collected_blobs" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "dataset_versions" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "gateways" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "generations" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "leases" ADD COLUMN "recorded_by" uuid;--> statement-breakpoint
ALTER TABLE "model_environments" ADD COLUMN "recorded_by" uuid;--> statement-breakpoint
ALTER TABLE "model_versions" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "reachable_blobs" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ADD COLUMN "recorded_by" uuid;--> statement-breakpoint
ALTER TABLE "rehearsals" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "run_steps" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "shadow_counts" ADD COLUMN "recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
-- Rows from before take the time that they are known to have been written by, and not that of this migration.
UPDATE "gateways" SET "recorded_at" = "started_at";--> statement-breakpoint
UPDATE "run_steps" SET "recorded_at" = "started_at";--> statement-breakpoint
UPDATE "serving_counts" c SET "recorded_at" = least(now(), g."lease_until") FROM "gateways" g WHERE g."id" = c."gateway_id";--> statement-breakpoint
UPDATE "shadow_counts" c SET "recorded_at" = least(now(), g."lease_until") FROM "gateways" g WHERE g."id" = c."gateway_id";--> statement-breakpoint
UPDATE "collected_blobs" b SET "recorded_at" = c."recorded_at" FROM "garbage_collections" c WHERE c."id" = b."collection_id";--> statement-breakpoint
UPDATE "reachable_blobs" b SET "recorded_at" = c."recorded_at" FROM "garbage_collections" c WHERE c."id" = b."collection_id";--> statement-breakpoint
-- A lease is of a run's training; one of no run lets nobody commit.
UPDATE "leases" l SET "recorded_by" = r."recorded_by" FROM "runs" r WHERE l."name" = 'train/' || r."id";--> statement-breakpoint
DELETE FROM "leases" WHERE "recorded_by" IS NULL;--> statement-breakpoint
ALTER TABLE "leases" ALTER COLUMN "recorded_by" SET NOT NULL;--> statement-breakpoint
-- Who brought the model there is who first decided anything there.
UPDATE "model_environments" e SET "recorded_by" = coalesce(
  (SELECT l."recorded_by" FROM "ledger" l WHERE l."model_id" = e."model_id" AND l."environment" = e."environment" ORDER BY l."sequence" LIMIT 1),
  (SELECT m."recorded_by" FROM "models" m WHERE m."id" = e."model_id"));--> statement-breakpoint
ALTER TABLE "model_environments" ALTER COLUMN "recorded_by" SET NOT NULL;--> statement-breakpoint
-- What was told of a period stays; only the name that it lacked is added.
ALTER TABLE "rehearsal_periods" DISABLE TRIGGER "only_grows";--> statement-breakpoint
UPDATE "rehearsal_periods" p SET "recorded_by" = r."principal_id" FROM "rehearsals" r WHERE r."id" = p."rehearsal_id";--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ENABLE TRIGGER "only_grows";--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ALTER COLUMN "recorded_by" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "leases" ADD CONSTRAINT "leases_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_environments" ADD CONSTRAINT "model_environments_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ADD CONSTRAINT "rehearsal_periods_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;