ALTER TABLE "approvals" DROP CONSTRAINT "approvals_run_id_unique";--> statement-breakpoint
ALTER TABLE "evaluations" DROP CONSTRAINT "evaluations_run_version";--> statement-breakpoint
ALTER TABLE "approvals" ADD COLUMN "replaces" uuid;--> statement-breakpoint
ALTER TABLE "approvals" ADD COLUMN "warnings" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_run_replaces" UNIQUE NULLS NOT DISTINCT("run_id","replaces");--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_run_version_champion" UNIQUE NULLS NOT DISTINCT("run_id","model_version_id","champion_version_id");