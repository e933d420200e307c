CREATE TABLE "ledger_heads" (
	"model_id" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"signed_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "ledger_heads_model_id_sequence_pk" PRIMARY KEY("model_id","sequence")
);
--> statement-breakpoint
ALTER TABLE "acknowledgements" ADD COLUMN "mismatch" text;--> statement-breakpoint
ALTER TABLE "ledger_heads" ADD CONSTRAINT "ledger_heads_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_heads" ADD CONSTRAINT "ledger_heads_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "acknowledgements_mismatch" ON "acknowledgements" USING btree ("model_id") WHERE mismatch is not null;--> statement-breakpoint
CREATE INDEX "ledger_scope" ON "ledger" USING btree ("model_id","environment","kind","sequence");