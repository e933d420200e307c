CREATE TABLE "collection_keys" (
	"recorded_by" uuid NOT NULL,
	"route" text NOT NULL,
	"idempotency_key" text NOT NULL,
	"request_digest" text NOT NULL,
	"collection_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "collection_keys_recorded_by_route_idempotency_key_pk" PRIMARY KEY("recorded_by","route","idempotency_key")
);
--> statement-breakpoint
ALTER TABLE "collection_keys" ADD CONSTRAINT "collection_keys_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "collection_keys" ADD CONSTRAINT "collection_keys_collection_id_garbage_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."garbage_collections"("id") ON DELETE no action ON UPDATE no action;