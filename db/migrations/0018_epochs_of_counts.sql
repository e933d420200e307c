ALTER TABLE "serving_counts" ADD COLUMN "own_errors" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD COLUMN "epochs" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "shadow_counts" ADD COLUMN "epochs" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "shadow_counts" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
UPDATE "serving_counts" SET "own_errors" = "errors", "epochs" = jsonb_build_array(jsonb_build_object('epoch', '00000000-0000-0000-0000-000000000000', 'amounts', jsonb_build_array("requests", "errors", "errors") || "latency"));--> statement-breakpoint
UPDATE "shadow_counts" SET "epochs" = jsonb_build_array(jsonb_build_object('epoch', '00000000-0000-0000-0000-000000000000', 'amounts', jsonb_build_array("compared", "failed", "dropped", "absolute_difference", "beyond")));
