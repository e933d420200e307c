CREATE TABLE "shadow_counts" (
	"gateway_id" uuid NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"generation" integer NOT NULL,
	"release_digest" text NOT NULL,
	"compared" bigint NOT NULL,
	"failed" bigint NOT NULL,
	"dropped" bigint NOT NULL,
	"absolute_difference" double precision NOT NULL,
	"beyond" bigint NOT NULL,
	CONSTRAINT "shadow_counts_gateway_id_model_id_environment_generation_release_digest_pk" PRIMARY KEY("gateway_id","model_id","environment","generation","release_digest")
);
--> statement-breakpoint
ALTER TABLE "approvals" ADD COLUMN "details" jsonb;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD COLUMN "latency" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "shadow_counts" ADD CONSTRAINT "shadow_counts_gateway_id_gateways_id_fk" FOREIGN KEY ("gateway_id") REFERENCES "public"."gateways"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "shadow_counts" ADD CONSTRAINT "shadow_counts_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;