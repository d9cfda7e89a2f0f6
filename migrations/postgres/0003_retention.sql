-- Payloads of a run that has ended may be dropped, once an event says so: the text goes, its digest and every hash stay.
--
-- A statement that changes events is let through only where a setting of its transaction names this schema; whatever it is, each row
-- of it may lose nothing but a payload that a payload.dropped event of its stream covers. The owner of the table can take the triggers
-- away: the chain, and a head that is kept elsewhere, tell.

CREATE FUNCTION {{schema}}.refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('runseal.retention', true) = '{{name}}' THEN RETURN NULL; END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$;

CREATE FUNCTION {{schema}}.drop_payload_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- what heads are computed from stays, and what says that something was dropped
  IF NEW.payload IS NULL AND OLD.kind NOT LIKE 'run.%' AND OLD.kind NOT LIKE 'lease.%' AND OLD.kind <> 'payload.dropped'
    AND ROW(NEW.stream_id, NEW.at, NEW.seq, NEW.epoch, NEW.v, NEW.kind, NEW.payload_digest, NEW.hash)
      = ROW(OLD.stream_id, OLD.at, OLD.seq, OLD.epoch, OLD.v, OLD.kind, OLD.payload_digest, OLD.hash)
    AND EXISTS (
      SELECT 1 FROM {{schema}}.event_rows d
      WHERE d.stream_id = OLD.stream_id AND d.kind = 'payload.dropped'
        AND (d.payload::jsonb->>'fromSeq')::bigint <= OLD.seq AND (d.payload::jsonb->>'toSeq')::bigint >= OLD.seq
    ) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$;

DROP TRIGGER append_only ON {{schema}}.event_rows;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.event_rows
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_event_change();
ALTER TABLE {{schema}}.event_rows ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER drop_payload_only BEFORE UPDATE ON {{schema}}.event_rows
  FOR EACH ROW EXECUTE FUNCTION {{schema}}.drop_payload_only();
ALTER TABLE {{schema}}.event_rows ENABLE ALWAYS TRIGGER drop_payload_only;

-- Drops what payload.dropped events of one stream cover, of a run that has ended. For the owner of the tables: it needs UPDATE.
CREATE FUNCTION {{schema}}.drop_payloads(of_scope text, of_stream text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  head {{schema}}.heads;
  dropped integer;
  before text := current_setting('runseal.retention', true);
BEGIN
  SELECT * INTO head FROM {{schema}}.heads WHERE scope = of_scope AND stream = of_stream FOR UPDATE;
  IF head.status IS NULL OR head.status NOT IN ('completed', 'failed', 'canceled') THEN RETURN -1; END IF;
  PERFORM set_config('runseal.retention', '{{name}}', true);
  UPDATE {{schema}}.event_rows e SET payload = NULL
    WHERE e.stream_id = head.id AND e.payload IS NOT NULL
      AND e.kind NOT LIKE 'run.%' AND e.kind NOT LIKE 'lease.%' AND e.kind <> 'payload.dropped'
      AND EXISTS (
        SELECT 1 FROM {{schema}}.event_rows d
        WHERE d.stream_id = e.stream_id AND d.kind = 'payload.dropped'
          AND (d.payload::jsonb->>'fromSeq')::bigint <= e.seq AND (d.payload::jsonb->>'toSeq')::bigint >= e.seq
      );
  GET DIAGNOSTICS dropped = ROW_COUNT;
  PERFORM set_config('runseal.retention', coalesce(before, ''), true);
  RETURN dropped;
END $$;
