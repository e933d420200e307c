CREATE TABLE "connections" (
	"project" text NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"target" text NOT NULL,
	"sealed" text,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "connections_project_name_pk" PRIMARY KEY("project","name")
);
--> statement-breakpoint
ALTER TABLE "connections" ADD CONSTRAINT "connections_project_projects_name_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "connections" ADD CONSTRAINT "connections_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;