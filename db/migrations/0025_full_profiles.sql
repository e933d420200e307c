CREATE TABLE "full_profiles" (
	"dataset_version_id" uuid PRIMARY KEY NOT NULL,
	"profile" jsonb NOT NULL,
	"schema_version" integer DEFAULT 1 NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "full_profiles" ADD CONSTRAINT "full_profiles_dataset_version_id_dataset_versions_id_fk" FOREIGN KEY ("dataset_version_id") REFERENCES "public"."dataset_versions"("id") ON DELETE no action ON UPDATE no action;