CREATE TABLE "collected_blobs" (
	"collection_id" uuid NOT NULL,
	"sha256" text NOT NULL,
	"bytes" bigint NOT NULL,
	CONSTRAINT "collected_blobs_collection_id_sha256_pk" PRIMARY KEY("collection_id","sha256")
);
--> statement-breakpoint
CREATE TABLE "garbage_collections" (
	"id" uuid PRIMARY KEY NOT NULL,
	"dry_run" boolean NOT NULL,
	"state" text NOT NULL,
	"grace_ms" bigint NOT NULL,
	"put_before" timestamp (3) with time zone,
	"cursor" text,
	"scanned" bigint DEFAULT 0 NOT NULL,
	"collected" bigint DEFAULT 0 NOT NULL,
	"collected_bytes" bigint DEFAULT 0 NOT NULL,
	"failure" text,
	"ended_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reachable_blobs" (
	"collection_id" uuid NOT NULL,
	"sha256" text NOT NULL,
	CONSTRAINT "reachable_blobs_collection_id_sha256_pk" PRIMARY KEY("collection_id","sha256")
);
--> statement-breakpoint
ALTER TABLE "collected_blobs" ADD CONSTRAINT "collected_blobs_collection_id_garbage_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."garbage_collections"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "garbage_collections" ADD CONSTRAINT "garbage_collections_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reachable_blobs" ADD CONSTRAINT "reachable_blobs_collection_id_garbage_collections_id_fk" FOREIGN KEY ("collection_id") REFERENCES "public"."garbage_collections"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "garbage_collections_one" ON "garbage_collections" USING btree ("state") WHERE state = 'running';