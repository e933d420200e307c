CREATE TABLE "run_results" (
	"run_id" uuid NOT NULL,
	"step" text NOT NULL,
	"digest" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_results_run_id_step_digest_pk" PRIMARY KEY("run_id","step","digest")
);
--> statement-breakpoint
ALTER TABLE "runs" ADD COLUMN "execution_id" text;--> statement-breakpoint
ALTER TABLE "run_results" ADD CONSTRAINT "run_results_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;