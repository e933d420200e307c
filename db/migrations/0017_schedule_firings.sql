ALTER TABLE "schedules" ADD COLUMN "last_fired_at" timestamp (3) with time zone;--> statement-breakpoint
-- What has fired already is not owed. Commands keep it: their fingerprint is `<schedule> at <instant>`.
UPDATE "schedules" s SET "last_fired_at" = (
  SELECT max(substring(c."body" ->> 'fingerprint' from ' at (.*)$')::timestamptz) FROM "commands" c
  WHERE c."model_id" = s."model_id" AND c."environment" = s."environment" AND c."route" = 'schedule'
    AND starts_with(c."body" ->> 'fingerprint', s."name" || ' at ')
);
