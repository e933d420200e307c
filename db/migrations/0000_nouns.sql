CREATE TABLE "acknowledgements" (
	"gateway_id" uuid NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"generation" integer NOT NULL,
	"error" text,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "acknowledgements_gateway_id_model_id_environment_generation_pk" PRIMARY KEY("gateway_id","model_id","environment","generation")
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"principal_id" uuid NOT NULL,
	"hash" text NOT NULL,
	"label" text NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"revoked_by" uuid,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "approvals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"run_id" uuid NOT NULL,
	"digest" text NOT NULL,
	"subject" jsonb NOT NULL,
	"evidence" jsonb NOT NULL,
	"status" text NOT NULL,
	"requested_by" uuid NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"decided_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "approvals_run_id_unique" UNIQUE("run_id")
);
--> statement-breakpoint
CREATE TABLE "blobs" (
	"sha256" text PRIMARY KEY NOT NULL,
	"bytes" bigint NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "code_versions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"digest" text NOT NULL,
	"manifest" jsonb NOT NULL,
	"origin" jsonb NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "commands" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"body" jsonb NOT NULL,
	"body_digest" text NOT NULL,
	"idempotency_key" text,
	"route" text,
	"run_id" uuid,
	"status" text NOT NULL,
	"refusal" text,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "configurations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"digest" text NOT NULL,
	"body" jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "dataset_versions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"digest" text NOT NULL,
	"manifest" jsonb NOT NULL,
	"profile" jsonb,
	"expectations" jsonb NOT NULL,
	"rows_added" bigint NOT NULL,
	"rows_skipped" bigint NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "environments" (
	"project" text NOT NULL,
	"name" text NOT NULL,
	"clock" text NOT NULL,
	"virtual_now" timestamp (3) with time zone,
	"minimum_policy" jsonb,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "environments_project_name_pk" PRIMARY KEY("project","name"),
	CONSTRAINT "environments_clock" CHECK ((clock = 'virtual') = (virtual_now is not null))
);
--> statement-breakpoint
CREATE TABLE "evaluations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"model_version_id" uuid NOT NULL,
	"champion_version_id" uuid,
	"digest" text NOT NULL,
	"body" jsonb NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "evaluations_run_id_unique" UNIQUE("run_id")
);
--> statement-breakpoint
CREATE TABLE "findings" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"kind" text NOT NULL,
	"subject" text NOT NULL,
	"champion_release_id" uuid NOT NULL,
	"value" double precision NOT NULL,
	"threshold" double precision NOT NULL,
	"opened_by" uuid NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"closed_by" uuid,
	"closed_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "gateways" (
	"id" uuid PRIMARY KEY NOT NULL,
	"address" text NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "generations" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"generation" integer NOT NULL,
	"slots" jsonb NOT NULL,
	"change" text NOT NULL,
	"reason" text NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "generations_model_id_environment_generation_pk" PRIMARY KEY("model_id","environment","generation")
);
--> statement-breakpoint
CREATE TABLE "grants" (
	"id" uuid PRIMARY KEY NOT NULL,
	"principal_id" uuid NOT NULL,
	"role" text NOT NULL,
	"project" text,
	"model" text,
	"environment" text,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid
);
--> statement-breakpoint
CREATE TABLE "labels" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"prediction_id" text NOT NULL,
	"value" double precision NOT NULL,
	"conflicts" integer DEFAULT 0 NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "labels_model_id_environment_prediction_id_pk" PRIMARY KEY("model_id","environment","prediction_id")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" text NOT NULL,
	"lease_until" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ledger" (
	"model_id" uuid NOT NULL,
	"sequence" bigint NOT NULL,
	"kind" text NOT NULL,
	"environment" text,
	"subject" jsonb NOT NULL,
	"reason" text NOT NULL,
	"digest" text NOT NULL,
	"previous" text,
	"recorded_at" timestamp (3) with time zone NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "ledger_model_id_sequence_pk" PRIMARY KEY("model_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "model_environments" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"configuration_id" uuid,
	"dataset_version_id" uuid,
	"code_version_id" uuid,
	"generation" integer DEFAULT 0 NOT NULL,
	"hold_reason" text,
	"rollout_run_id" uuid,
	"last_build_at" timestamp (3) with time zone,
	"last_monitor_at" timestamp (3) with time zone,
	"settled_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "model_environments_model_id_environment_pk" PRIMARY KEY("model_id","environment")
);
--> statement-breakpoint
CREATE TABLE "model_versions" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"format" text NOT NULL,
	"artifact" text NOT NULL,
	"artifact_bytes" bigint NOT NULL,
	"signature" jsonb NOT NULL,
	"reference" text NOT NULL,
	"training_key" text NOT NULL,
	"training_key_parts" jsonb NOT NULL,
	"trained" jsonb NOT NULL,
	"dataset_version_id" uuid NOT NULL,
	"code_version_id" uuid NOT NULL,
	"configuration_id" uuid NOT NULL,
	"script_metrics" jsonb NOT NULL,
	"files" jsonb NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "models" (
	"id" uuid PRIMARY KEY NOT NULL,
	"project" text NOT NULL,
	"name" text NOT NULL,
	"task" text NOT NULL,
	"owner" text NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "prediction_segments" (
	"id" uuid PRIMARY KEY NOT NULL,
	"gateway_id" uuid NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"sha256" text NOT NULL,
	"rows" bigint NOT NULL,
	"dropped" bigint NOT NULL,
	"from_at" timestamp (3) with time zone NOT NULL,
	"to_at" timestamp (3) with time zone NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "principals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"kind" text NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid,
	CONSTRAINT "principals_name_unique" UNIQUE("name")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"name" text PRIMARY KEY NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "rehearsal_periods" (
	"rehearsal_id" uuid NOT NULL,
	"index" integer NOT NULL,
	"body" jsonb NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "rehearsal_periods_rehearsal_id_index_pk" PRIMARY KEY("rehearsal_id","index")
);
--> statement-breakpoint
CREATE TABLE "rehearsals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"run_id" uuid NOT NULL,
	"plan" jsonb NOT NULL,
	"metric" text NOT NULL,
	"principal_id" uuid NOT NULL,
	"summary" jsonb,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "rehearsals_environment_unique" UNIQUE("environment"),
	CONSTRAINT "rehearsals_run_id_unique" UNIQUE("run_id")
);
--> statement-breakpoint
CREATE TABLE "releases" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"number" integer NOT NULL,
	"digest" text NOT NULL,
	"body" jsonb NOT NULL,
	"model_version_id" uuid NOT NULL,
	"evaluation_id" uuid NOT NULL,
	"configuration_id" uuid NOT NULL,
	"dataset_version_id" uuid NOT NULL,
	"code_version_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"digest" text NOT NULL,
	"body" jsonb NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "reports_run_id_unique" UNIQUE("run_id")
);
--> statement-breakpoint
CREATE TABLE "run_logs" (
	"run_id" uuid NOT NULL,
	"sequence" bigint GENERATED ALWAYS AS IDENTITY (sequence name "run_logs_sequence_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"stream" text NOT NULL,
	"line" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "run_logs_run_id_sequence_pk" PRIMARY KEY("run_id","sequence")
);
--> statement-breakpoint
CREATE TABLE "run_steps" (
	"run_id" uuid NOT NULL,
	"name" text NOT NULL,
	"attempt" integer NOT NULL,
	"state" text NOT NULL,
	"detail" text DEFAULT '' NOT NULL,
	"started_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "run_steps_run_id_name_attempt_pk" PRIMARY KEY("run_id","name","attempt")
);
--> statement-breakpoint
CREATE TABLE "runs" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"kind" text NOT NULL,
	"request" jsonb NOT NULL,
	"because" text NOT NULL,
	"workflow_id" text NOT NULL,
	"state" text NOT NULL,
	"approval_id" uuid,
	"outcome" jsonb,
	"failure" jsonb,
	"cancel_reason" text,
	"cancel_requested" text,
	"ordered_at" timestamp (3) with time zone,
	"progress_fraction" double precision,
	"progress_message" text,
	"started_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "runs_workflow_id_unique" UNIQUE("workflow_id"),
	CONSTRAINT "runs_state" CHECK ((state = 'failed') = (failure is not null) and (state = 'succeeded') = (outcome is not null) and (state = 'cancelled') = (cancel_reason is not null) and (state in ('succeeded', 'failed', 'cancelled')) = (ended_at is not null))
);
--> statement-breakpoint
CREATE TABLE "schedules" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"name" text NOT NULL,
	"cron" text NOT NULL,
	"timezone" text NOT NULL,
	"paused" boolean NOT NULL,
	"overlap" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "schedules_model_id_environment_name_pk" PRIMARY KEY("model_id","environment","name")
);
--> statement-breakpoint
CREATE TABLE "serving_counts" (
	"gateway_id" uuid NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"generation" integer NOT NULL,
	"release_digest" text NOT NULL,
	"requests" bigint NOT NULL,
	"errors" bigint NOT NULL,
	CONSTRAINT "serving_counts_gateway_id_model_id_environment_generation_release_digest_pk" PRIMARY KEY("gateway_id","model_id","environment","generation","release_digest")
);
--> statement-breakpoint
CREATE TABLE "triggers" (
	"id" uuid PRIMARY KEY NOT NULL,
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"kind" text NOT NULL,
	"reason" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" text NOT NULL,
	"run_id" uuid,
	"dropped_because" text,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"recorded_by" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "votes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"approval_id" uuid NOT NULL,
	"principal_id" uuid NOT NULL,
	"decision" text NOT NULL,
	"digest" text NOT NULL,
	"comment" text NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "withdrawals" (
	"model_id" uuid NOT NULL,
	"environment" text NOT NULL,
	"release_id" uuid NOT NULL,
	"reason" text NOT NULL,
	"run_id" uuid NOT NULL,
	"recorded_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"recorded_by" uuid NOT NULL,
	CONSTRAINT "withdrawals_model_id_environment_release_id_pk" PRIMARY KEY("model_id","environment","release_id")
);
--> statement-breakpoint
ALTER TABLE "acknowledgements" ADD CONSTRAINT "acknowledgements_gateway_id_gateways_id_fk" FOREIGN KEY ("gateway_id") REFERENCES "public"."gateways"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "acknowledgements" ADD CONSTRAINT "acknowledgements_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_requested_by_principals_id_fk" FOREIGN KEY ("requested_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "blobs" ADD CONSTRAINT "blobs_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "code_versions" ADD CONSTRAINT "code_versions_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "code_versions" ADD CONSTRAINT "code_versions_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "commands" ADD CONSTRAINT "commands_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "commands" ADD CONSTRAINT "commands_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "configurations" ADD CONSTRAINT "configurations_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "configurations" ADD CONSTRAINT "configurations_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset_versions" ADD CONSTRAINT "dataset_versions_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "dataset_versions" ADD CONSTRAINT "dataset_versions_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "environments" ADD CONSTRAINT "environments_project_projects_name_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "environments" ADD CONSTRAINT "environments_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_model_version_id_model_versions_id_fk" FOREIGN KEY ("model_version_id") REFERENCES "public"."model_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_champion_version_id_model_versions_id_fk" FOREIGN KEY ("champion_version_id") REFERENCES "public"."model_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "findings" ADD CONSTRAINT "findings_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "findings" ADD CONSTRAINT "findings_champion_release_id_releases_id_fk" FOREIGN KEY ("champion_release_id") REFERENCES "public"."releases"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "findings" ADD CONSTRAINT "findings_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "generations" ADD CONSTRAINT "generations_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "grants" ADD CONSTRAINT "grants_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "labels" ADD CONSTRAINT "labels_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "labels" ADD CONSTRAINT "labels_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger" ADD CONSTRAINT "ledger_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger" ADD CONSTRAINT "ledger_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_environments" ADD CONSTRAINT "model_environments_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_environments" ADD CONSTRAINT "model_environments_configuration_id_configurations_id_fk" FOREIGN KEY ("configuration_id") REFERENCES "public"."configurations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_environments" ADD CONSTRAINT "model_environments_dataset_version_id_dataset_versions_id_fk" FOREIGN KEY ("dataset_version_id") REFERENCES "public"."dataset_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_environments" ADD CONSTRAINT "model_environments_code_version_id_code_versions_id_fk" FOREIGN KEY ("code_version_id") REFERENCES "public"."code_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_dataset_version_id_dataset_versions_id_fk" FOREIGN KEY ("dataset_version_id") REFERENCES "public"."dataset_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_code_version_id_code_versions_id_fk" FOREIGN KEY ("code_version_id") REFERENCES "public"."code_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_configuration_id_configurations_id_fk" FOREIGN KEY ("configuration_id") REFERENCES "public"."configurations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "model_versions" ADD CONSTRAINT "model_versions_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_project_projects_name_fk" FOREIGN KEY ("project") REFERENCES "public"."projects"("name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "models" ADD CONSTRAINT "models_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "prediction_segments" ADD CONSTRAINT "prediction_segments_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rehearsal_periods" ADD CONSTRAINT "rehearsal_periods_rehearsal_id_rehearsals_id_fk" FOREIGN KEY ("rehearsal_id") REFERENCES "public"."rehearsals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rehearsals" ADD CONSTRAINT "rehearsals_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rehearsals" ADD CONSTRAINT "rehearsals_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "rehearsals" ADD CONSTRAINT "rehearsals_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_model_version_id_model_versions_id_fk" FOREIGN KEY ("model_version_id") REFERENCES "public"."model_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_evaluation_id_evaluations_id_fk" FOREIGN KEY ("evaluation_id") REFERENCES "public"."evaluations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_configuration_id_configurations_id_fk" FOREIGN KEY ("configuration_id") REFERENCES "public"."configurations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_dataset_version_id_dataset_versions_id_fk" FOREIGN KEY ("dataset_version_id") REFERENCES "public"."dataset_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_code_version_id_code_versions_id_fk" FOREIGN KEY ("code_version_id") REFERENCES "public"."code_versions"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "releases" ADD CONSTRAINT "releases_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reports" ADD CONSTRAINT "reports_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_logs" ADD CONSTRAINT "run_logs_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "run_steps" ADD CONSTRAINT "run_steps_run_id_runs_id_fk" FOREIGN KEY ("run_id") REFERENCES "public"."runs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "runs" ADD CONSTRAINT "runs_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "schedules" ADD CONSTRAINT "schedules_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD CONSTRAINT "serving_counts_gateway_id_gateways_id_fk" FOREIGN KEY ("gateway_id") REFERENCES "public"."gateways"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "serving_counts" ADD CONSTRAINT "serving_counts_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "triggers" ADD CONSTRAINT "triggers_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "triggers" ADD CONSTRAINT "triggers_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "votes" ADD CONSTRAINT "votes_approval_id_approvals_id_fk" FOREIGN KEY ("approval_id") REFERENCES "public"."approvals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "votes" ADD CONSTRAINT "votes_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "withdrawals" ADD CONSTRAINT "withdrawals_model_id_models_id_fk" FOREIGN KEY ("model_id") REFERENCES "public"."models"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "withdrawals" ADD CONSTRAINT "withdrawals_release_id_releases_id_fk" FOREIGN KEY ("release_id") REFERENCES "public"."releases"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "withdrawals" ADD CONSTRAINT "withdrawals_recorded_by_principals_id_fk" FOREIGN KEY ("recorded_by") REFERENCES "public"."principals"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "approvals_pending" ON "approvals" USING btree ("model_id","environment","status");--> statement-breakpoint
CREATE UNIQUE INDEX "code_versions_number" ON "code_versions" USING btree ("model_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "code_versions_digest" ON "code_versions" USING btree ("model_id","digest");--> statement-breakpoint
CREATE UNIQUE INDEX "commands_idempotency" ON "commands" USING btree ("recorded_by","route","idempotency_key") WHERE idempotency_key is not null;--> statement-breakpoint
CREATE INDEX "commands_pending" ON "commands" USING btree ("model_id","environment","id") WHERE status = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "configurations_number" ON "configurations" USING btree ("model_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "configurations_digest" ON "configurations" USING btree ("model_id","digest");--> statement-breakpoint
CREATE UNIQUE INDEX "dataset_versions_number" ON "dataset_versions" USING btree ("model_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "dataset_versions_digest" ON "dataset_versions" USING btree ("model_id","digest");--> statement-breakpoint
CREATE INDEX "evaluations_version" ON "evaluations" USING btree ("model_version_id");--> statement-breakpoint
CREATE UNIQUE INDEX "findings_open_once" ON "findings" USING btree ("model_id","environment","kind","subject","champion_release_id") WHERE closed_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "grants_once" ON "grants" USING btree ("principal_id","role",coalesce(project, ''),coalesce(model, ''),coalesce(environment, ''));--> statement-breakpoint
CREATE INDEX "leases_holder" ON "leases" USING btree ("holder");--> statement-breakpoint
CREATE INDEX "ledger_newest" ON "ledger" USING btree ("recorded_at","model_id","sequence");--> statement-breakpoint
CREATE INDEX "ledger_run" ON "ledger" USING btree ("model_id","kind",(subject ->> 'runId'));--> statement-breakpoint
CREATE UNIQUE INDEX "model_versions_number" ON "model_versions" USING btree ("model_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "model_versions_training_key" ON "model_versions" USING btree ("model_id","training_key");--> statement-breakpoint
CREATE UNIQUE INDEX "models_name" ON "models" USING btree ("project","name");--> statement-breakpoint
CREATE INDEX "prediction_segments_window" ON "prediction_segments" USING btree ("model_id","environment","from_at","to_at");--> statement-breakpoint
CREATE UNIQUE INDEX "releases_number" ON "releases" USING btree ("model_id","number");--> statement-breakpoint
CREATE UNIQUE INDEX "releases_digest" ON "releases" USING btree ("model_id","digest");--> statement-breakpoint
CREATE INDEX "reports_scope" ON "reports" USING btree ("model_id","environment","id");--> statement-breakpoint
CREATE INDEX "runs_scope" ON "runs" USING btree ("model_id","environment","id");--> statement-breakpoint
CREATE INDEX "runs_unfinished" ON "runs" USING btree ("model_id","environment") WHERE state in ('queued', 'running', 'awaiting-approval');--> statement-breakpoint
CREATE UNIQUE INDEX "triggers_once" ON "triggers" USING btree ("model_id","environment","kind","fingerprint");--> statement-breakpoint
CREATE INDEX "triggers_pending" ON "triggers" USING btree ("model_id","environment") WHERE status = 'pending';--> statement-breakpoint
CREATE UNIQUE INDEX "votes_once" ON "votes" USING btree ("approval_id","principal_id");