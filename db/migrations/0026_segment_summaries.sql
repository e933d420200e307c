CREATE TABLE "segment_countings" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"key" text NOT NULL,
	"counting" jsonb NOT NULL,
	"schema_version" integer DEFAULT 1 NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "segment_countings_model_id_environment_pk" PRIMARY KEY("model_id","environment")
);
--> statement-breakpoint
CREATE TABLE "segment_summaries" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"segment" text NOT NULL,
	"counting" text NOT NULL,
	"summary" jsonb NOT NULL,
	"sha256" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "segment_summaries_model_id_environment_segment_counting_pk" PRIMARY KEY("model_id","environment","segment","counting")
);
--> statement-breakpoint
ALTER TABLE "prediction_segments" ADD COLUMN "repeated" bigint;--> statement-breakpoint
ALTER TABLE "segment_countings" ADD CONSTRAINT "segment_countings_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_summaries" ADD CONSTRAINT "segment_summaries_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;