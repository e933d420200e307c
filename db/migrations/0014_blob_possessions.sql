CREATE TABLE "blob_possessions" (
	"project" text NOT NULL,
	"sha256" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "blob_possessions_project_sha256_pk" PRIMARY KEY("project","sha256")
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "blob_possessions" ADD CONSTRAINT "blob_possessions_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "blob_possessions_sha256" ON "blob_possessions" USING btree ("sha256");--> statement-breakpoint
-- What there is already is given to the projects whose rows refer to it, by the columns that hold digests of bytes: text
-- that a user wrote, such as a file's name, gives nothing. Files that only a run's request names are given to its
-- project if the principal who asked for the run is the one who uploaded them; whoever else needs them uploads again.
INSERT INTO "blob_possessions" ("project", "sha256", "recorded_at", "recorded_by")
SELECT DISTINCT ON (m."project", named."sha256") m."project", named."sha256", named."recorded_at", named."recorded_by"
FROM (
  SELECT d."model_id", part ->> 'sha256' AS "sha256", d."recorded_at", d."recorded_by"
    FROM "dataset_versions" d, jsonb_array_elements(d."manifest" -> 'parts') part
  UNION ALL SELECT c."model_id", given.digest, c."recorded_at", c."recorded_by" FROM "code_versions" c,
    unnest(ARRAY[c."manifest" ->> 'archive', c."manifest" #>> '{environment,lock}', c."manifest" #>> '{environment,resolvedFrom}']) AS given (digest)
  UNION ALL SELECT v."model_id", given.digest, v."recorded_at", v."recorded_by" FROM "model_versions" v, unnest(ARRAY[v."artifact", v."reference"]) AS given (digest)
  UNION ALL SELECT v."model_id", file ->> 'sha256', v."recorded_at", v."recorded_by" FROM "model_versions" v, jsonb_array_elements(v."files") file
  UNION ALL SELECT e."model_id", given.digest, e."recorded_at", e."recorded_by" FROM "evaluations" e,
    unnest(ARRAY[e."body" ->> 'holdout', e."body" ->> 'importance']) AS given (digest)
  UNION ALL SELECT l."model_id", l."subject" ->> 'quarantine', l."recorded_at", l."recorded_by" FROM "ledger" l WHERE l."kind" = 'dataset.refused'
  UNION ALL SELECT l."model_id", file ->> 'sha256', l."recorded_at", l."recorded_by" FROM "ledger" l,
    jsonb_array_elements(CASE jsonb_typeof(l."subject" -> 'fetched') WHEN 'array' THEN l."subject" -> 'fetched' ELSE '[]' END) file WHERE l."kind" = 'dataset.committed'
  UNION ALL SELECT r."model_id", b."sha256", b."recorded_at", b."recorded_by" FROM "runs" r
    CROSS JOIN LATERAL (
      SELECT r."request" ->> 'archive' AS "sha256"
      UNION ALL SELECT file ->> 'sha256' FROM jsonb_array_elements(CASE jsonb_typeof(r."request" -> 'files') WHEN 'array' THEN r."request" -> 'files' ELSE '[]' END) file
    ) asked
    JOIN "blobs" b ON b."sha256" = asked."sha256" AND b."recorded_by" = r."recorded_by"
) named
JOIN "models" m ON m."id" = named."model_id"
WHERE named."sha256" ~ '^[0-9a-f]{64}$'
ORDER BY m."project", named."sha256", named."recorded_at";
