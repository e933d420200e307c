ALTER TABLE "findings" ADD COLUMN "clear_since" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "labels_given" ON "labels" USING btree ("model_id","environment","effective_at");