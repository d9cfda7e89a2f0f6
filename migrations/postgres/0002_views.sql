-- Views for people and dashboards; the package reads none of them. Times are timestamps, digests hexadecimal, payloads jsonb.

CREATE FUNCTION {{schema}}.as_time(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT to_timestamp(ms / 1000.0)
$$;

-- Null where the text is no JSON that jsonb can keep (NUL in a string): one odd payload must not spoil a list.
CREATE FUNCTION {{schema}}.as_json(canonical text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN canonical::jsonb;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$;

CREATE VIEW {{schema}}.events AS
  SELECT s.scope, s.stream, e.seq, {{schema}}.as_time(e.at) AS at, e.kind, e.v, e.epoch, {{schema}}.as_json(e.payload) AS payload,
    encode(e.payload_digest, 'hex') AS payload_digest,
    -- that of a first event binds the chain to scope and stream and is stored nowhere
    (SELECT encode(p.hash, 'hex') FROM {{schema}}.event_rows p WHERE p.stream_id = e.stream_id AND p.seq = e.seq - 1) AS prev,
    encode(e.hash, 'hex') AS hash, e.payload IS NULL AS is_dropped
  FROM {{schema}}.streams s JOIN {{schema}}.event_rows e ON e.stream_id = s.id;

CREATE VIEW {{schema}}.runs AS
  SELECT h.scope, substr(h.stream, 5) AS run_id, h.stream, h.runbook_id, h.status, h.reason, h.queue, h.priority,
    {{schema}}.as_json(h.labels) AS labels, {{schema}}.as_json(h.requires) AS requires, h.parent, h.dedup_key, h.owner, h.epoch,
    {{schema}}.as_time(h.lease_until) AS lease_until, {{schema}}.as_time(h.wake_at) AS wake_at, h.pending AS messages_waiting,
    {{schema}}.as_time(h.submitted_at) AS submitted_at, {{schema}}.as_time(h.started_at) AS started_at,
    (SELECT {{schema}}.as_time(max(e.at)) FROM {{schema}}.event_rows e
      WHERE e.stream_id = h.id AND e.kind IN ('run.completed', 'run.failed', 'run.canceled')) AS ended_at,
    t.seq, encode(t.hash, 'hex') AS hash
  FROM {{schema}}.heads h CROSS JOIN LATERAL (
    SELECT e.seq, e.hash FROM {{schema}}.event_rows e WHERE e.stream_id = h.id ORDER BY e.seq DESC LIMIT 1
  ) t
  WHERE h.status IS NOT NULL;

-- Only steps that something happened to; those whose payloads were dropped are missing.
CREATE VIEW {{schema}}.steps AS
  SELECT scope, substr(stream, 5) AS run_id, stream, step_id,
    CASE last_kind WHEN 'step.retry_scheduled' THEN 'pending' WHEN 'step.fenced' THEN 'failed' ELSE substr(last_kind, 6) END AS status,
    attempts, {{schema}}.as_time(entered_at) AS entered_at,
    CASE WHEN last_kind IN ('step.completed', 'step.failed', 'step.skipped', 'step.fenced') THEN {{schema}}.as_time(last_at) END AS ended_at,
    failure_code, last_seq
  FROM (
    SELECT s.scope, s.stream, d.step_id, (array_agg(e.kind ORDER BY e.seq DESC))[1] AS last_kind,
      count(*) FILTER (WHERE e.kind = 'step.entered') AS attempts, min(e.at) FILTER (WHERE e.kind = 'step.entered') AS entered_at,
      (array_agg(d.code ORDER BY e.seq DESC))[1] AS failure_code, max(e.at) AS last_at, max(e.seq) AS last_seq
    FROM {{schema}}.streams s JOIN {{schema}}.event_rows e ON e.stream_id = s.id
      CROSS JOIN LATERAL (
        SELECT p->>'stepId' AS step_id, p->>'code' AS code FROM (SELECT {{schema}}.as_json(e.payload) AS p OFFSET 0) parsed OFFSET 0
      ) d
    WHERE e.kind LIKE 'step.%' AND d.step_id IS NOT NULL
    GROUP BY s.scope, s.stream, d.step_id
  ) of_step;

-- A row is what a process says of a lock; is_held is what the server says. A striped lock is held as the lock of its stripe.
CREATE VIEW {{schema}}.locks AS
  SELECT l.scope, l.kind, l.id, l.access, l.run_id, l.runbook_id, l.holder, {{schema}}.as_time(l.at) AS at, l.pid, l.key, l.is_striped,
    EXISTS (SELECT 1 FROM {{schema}}.held_locks() h WHERE h.pid = l.pid AND h.lock = l.session) AND EXISTS (
      SELECT 1 FROM {{schema}}.held_locks() h WHERE h.pid = l.pid AND h.lock = CASE WHEN l.is_striped THEN l.stripe ELSE l.key END
    ) AS is_held
  FROM {{schema}}.lock_rows l;

CREATE VIEW {{schema}}.workers AS
  SELECT worker_id, owner, {{schema}}.as_json(queues) AS queues, {{schema}}.as_json(scopes) AS scopes, concurrency, active,
    {{schema}}.as_json(build) AS build, {{schema}}.as_time(started_at) AS started_at, {{schema}}.as_time(last_seen_at) AS last_seen_at,
    {{schema}}.as_time(alive_until) AS alive_until, pid
  FROM {{schema}}.worker_rows;
