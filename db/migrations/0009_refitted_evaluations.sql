ALTER TABLE "evaluations" DROP CONSTRAINT "evaluations_run_id_unique";--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_run_version" UNIQUE("run_id","model_version_id");