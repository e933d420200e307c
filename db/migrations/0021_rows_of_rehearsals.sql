ALTER TABLE "rehearsals" ADD COLUMN "rows" text;--> statement-breakpoint
-- A rehearsal that is under way has ingested from this file already; each of its ingestions names it.
UPDATE "rehearsals" t SET "rows" = (
  SELECT r."request" -> 'files' -> 0 ->> 'sha256' FROM "runs" r
  WHERE r."model_id" = t."model_id" AND r."environment" = t."environment" AND r."kind" = 'data'
  ORDER BY r."id" LIMIT 1
) WHERE t."summary" IS NULL;
