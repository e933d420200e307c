-- What was decided stays as it was decided, whoever writes: these tables only grow.
CREATE FUNCTION perennial_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or removed (%)', TG_TABLE_NAME, TG_OP
    USING ERRCODE = 'restrict_violation', HINT = 'Insert what is now true; readers take the newest.';
END;
$$;
--> statement-breakpoint
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['ledger', 'generations', 'configurations', 'dataset_versions', 'code_versions', 'model_versions', 'evaluations', 'releases', 'votes', 'reports', 'rehearsal_periods'] LOOP
    EXECUTE format('CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION perennial_refuse_change()', name);
    EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION perennial_refuse_change()', name);
  END LOOP;
END;
$$;
--> statement-breakpoint
-- Gateways listen, so that a raised generation or a changed key reaches them at once and not at their next poll.
CREATE FUNCTION perennial_tell_gateways() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('perennial_serving', TG_TABLE_NAME);
  RETURN NULL;
END;
$$;
--> statement-breakpoint
CREATE TRIGGER tells_gateways AFTER INSERT ON generations FOR EACH STATEMENT EXECUTE FUNCTION perennial_tell_gateways();
--> statement-breakpoint
CREATE TRIGGER tells_gateways AFTER INSERT OR UPDATE ON api_keys FOR EACH STATEMENT EXECUTE FUNCTION perennial_tell_gateways();
--> statement-breakpoint
CREATE TRIGGER tells_gateways AFTER INSERT OR UPDATE OR DELETE ON grants FOR EACH STATEMENT EXECUTE FUNCTION perennial_tell_gateways();
--> statement-breakpoint
CREATE TRIGGER tells_gateways AFTER UPDATE ON principals FOR EACH STATEMENT EXECUTE FUNCTION perennial_tell_gateways();
