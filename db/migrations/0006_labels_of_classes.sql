ALTER TABLE "labels" ALTER COLUMN "value" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "labels" ADD COLUMN "class" jsonb;--> statement-breakpoint
ALTER TABLE "labels" ADD CONSTRAINT "labels_number_or_class" CHECK (num_nonnulls("labels"."value", "labels"."class") = 1);