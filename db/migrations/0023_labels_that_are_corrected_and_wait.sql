CREATE TABLE "label_corrections" (
	"model_id" uuid NOT NULL,
	"sequence" integer NOT NULL,
	"environment" text NOT NULL,
	"prediction_id" text NOT NULL,
	"replaced" jsonb NOT NULL,
	"replacement" jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "label_corrections_model_id_sequence_prediction_id_pk" PRIMARY KEY("model_id","sequence","prediction_id")
);
--> statement-breakpoint
CREATE TABLE "predictions" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"prediction_id" text NOT NULL,
	"request" text,
	"request_row" integer,
	"model_version" integer NOT NULL,
	"happened_at" timestamp (3) with time zone NOT NULL,
	"gateway_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "predictions_model_id_environment_prediction_id_pk" PRIMARY KEY("model_id","environment","prediction_id")
);
--> statement-breakpoint
CREATE TABLE "waiting_labels" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"prediction_id" text,
	"request" text,
	"request_row" integer,
	"value" double precision,
	"class" jsonb,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "waiting_labels_once" UNIQUE NULLS NOT DISTINCT("model_id","environment","prediction_id","request","request_row"),
	CONSTRAINT "waiting_labels_id_or_request" CHECK (num_nonnulls("waiting_labels"."prediction_id", "waiting_labels"."request") = 1),
	CONSTRAINT "waiting_labels_number_or_class" CHECK (num_nonnulls("waiting_labels"."value", "waiting_labels"."class") = 1)
);
--> statement-breakpoint
ALTER TABLE "prediction_segments" ADD COLUMN "indexed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "label_corrections" ADD CONSTRAINT "label_corrections_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "label_corrections" ADD CONSTRAINT "label_corrections_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "waiting_labels" ADD CONSTRAINT "waiting_labels_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "waiting_labels" ADD CONSTRAINT "waiting_labels_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "label_corrections_made" ON "label_corrections" USING btree ("model_id","environment","effective_at");--> statement-breakpoint
CREATE INDEX "predictions_request" ON "predictions" USING btree ("model_id","environment","request") WHERE request is not null;--> statement-breakpoint
CREATE INDEX "predictions_happened" ON "predictions" USING btree ("model_id","environment","happened_at");--> statement-breakpoint
CREATE INDEX "waiting_labels_age" ON "waiting_labels" USING btree ("model_id","environment","recorded_at");--> statement-breakpoint
ALTER TABLE "labels" DROP COLUMN "conflicts";