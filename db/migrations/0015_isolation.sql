CREATE TABLE "workers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"host" text NOT NULL,
	"isolation" jsonb NOT NULL,
	"schema_version" integer DEFAULT 1 NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "run_steps" ADD COLUMN "isolation" jsonb;--> statement-breakpoint
ALTER TABLE "run_steps" ADD COLUMN "schema_version" integer DEFAULT 1 NOT NULL;