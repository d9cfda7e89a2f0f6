unlogged lock_rows
domain counter: integer counter_check CHECK ((VALUE > 0))
domain event_kind: text event_kind_check CHECK ((VALUE = ANY (ARRAY['run.submitted'::text, 'run.started'::text, 'run.resumed'::text, 'run.parked'::text, 'run.paused'::text, 'run.completed'::text, 'run.failed'::text, 'run.canceled'::text, 'run.forked'::text, 'run.amended'::text, 'step.entered'::text, 'step.completed'::text, 'step.failed'::text, 'step.skipped'::text, 'step.parked'::text, 'step.retry_scheduled'::text, 'step.fenced'::text, 'step.in_doubt'::text, 'lock.acquired'::text, 'lock.contended'::text, 'lock.released'::text, 'lock.lost'::text, 'lease.taken'::text, 'wait.opened'::text, 'wait.answered'::text, 'timer.set'::text, 'signal.received'::text, 'signal.delivered'::text, 'decision.made'::text, 'approval.given'::text, 'approval.revoked'::text, 'approval.consumed'::text, 'approval.released'::text, 'fact.recorded'::text, 'artifact.written'::text, 'child.spawned'::text, 'child.completed'::text, 'progress'::text, 'domain'::text, 'session.changed'::text, 'turn.signal'::text, 'record.failed'::text, 'payload.dropped'::text])))
domain run_status: text run_status_check CHECK ((VALUE = ANY (ARRAY['queued'::text, 'running'::text, 'parked'::text, 'completed'::text, 'failed'::text, 'canceled'::text])))
domain sha256: bytea sha256_check CHECK ((length(VALUE) = 32))
table artifacts: scope text COLLATE "C" NOT NULL
table artifacts: id sha256 NOT NULL
table artifacts: kind text NOT NULL
table artifacts: at bigint NOT NULL
table artifacts: bytes bytea
table documents: ord bigint NOT NULL GENERATED ALWAYS AS IDENTITY
table documents: scope text COLLATE "C" NOT NULL
table documents: runbook_id text COLLATE "C" NOT NULL
table documents: digest text COLLATE "C" NOT NULL
table documents: document text COLLATE "C" NOT NULL
table documents: at bigint NOT NULL
table event_rows: stream_id bigint NOT NULL
table event_rows: at bigint NOT NULL
table event_rows: seq counter NOT NULL
table event_rows: epoch integer NOT NULL
table event_rows: v smallint NOT NULL
table event_rows: kind event_kind COLLATE "C" NOT NULL
table event_rows: payload_digest sha256 NOT NULL
table event_rows: hash sha256 NOT NULL
table event_rows: payload text COLLATE "C"
table heads: id bigint NOT NULL
table heads: lease_until bigint
table heads: wake_at bigint
table heads: submitted_at bigint
table heads: started_at bigint
table heads: epoch integer NOT NULL
table heads: priority integer
table heads: pending integer NOT NULL DEFAULT 0
table heads: status run_status COLLATE "C"
table heads: reason text COLLATE "C"
table heads: owner text COLLATE "C"
table heads: scope text COLLATE "C" NOT NULL
table heads: stream text COLLATE "C" NOT NULL
table heads: runbook_id text COLLATE "C"
table heads: queue text COLLATE "C"
table heads: parent text COLLATE "C"
table heads: dedup_key text COLLATE "C"
table heads: use_key text COLLATE "C"
table heads: requires text COLLATE "C"
table heads: labels text COLLATE "C"
table inbox: scope text COLLATE "C" NOT NULL
table inbox: run_id text COLLATE "C" NOT NULL
table inbox: ord integer NOT NULL
table inbox: kind text COLLATE "C" NOT NULL
table inbox: key text COLLATE "C" NOT NULL
table inbox: payload text COLLATE "C" NOT NULL
table inbox: payload_digest text COLLATE "C" NOT NULL
table inbox: at bigint NOT NULL
table inbox_consumed: scope text COLLATE "C" NOT NULL
table inbox_consumed: run_id text COLLATE "C" NOT NULL
table inbox_consumed: ord integer NOT NULL
table inbox_consumed: seq integer NOT NULL
table lock_rows: session bigint NOT NULL
table lock_rows: hold bigint NOT NULL
table lock_rows: key bigint NOT NULL
table lock_rows: stripe bigint NOT NULL
table lock_rows: is_striped boolean NOT NULL
table lock_rows: pid integer NOT NULL
table lock_rows: session_at bigint NOT NULL
table lock_rows: at bigint NOT NULL
table lock_rows: access text COLLATE "C" NOT NULL
table lock_rows: scope text COLLATE "C" NOT NULL
table lock_rows: run_id text COLLATE "C" NOT NULL
table lock_rows: runbook_id text COLLATE "C" NOT NULL
table lock_rows: holder text COLLATE "C" NOT NULL
table lock_rows: kind text COLLATE "C" NOT NULL
table lock_rows: id text COLLATE "C" NOT NULL
table migrations: version integer NOT NULL
table migrations: name text COLLATE "C" NOT NULL
table migrations: checksum text COLLATE "C" NOT NULL
table migrations: breaking boolean NOT NULL
table migrations: at bigint NOT NULL
table runbooks: ord bigint NOT NULL GENERATED ALWAYS AS IDENTITY
table runbooks: scope text COLLATE "C" NOT NULL
table runbooks: id text COLLATE "C" NOT NULL
table runbooks: short_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS substr(id, 1, 35)
table runbooks: content text COLLATE "C" NOT NULL
table runbooks: evidence text COLLATE "C" NOT NULL
table runbooks: evidence_digest text COLLATE "C" NOT NULL
table runbooks: at bigint NOT NULL
table spent_tokens: scope text COLLATE "C" NOT NULL
table spent_tokens: token text COLLATE "C" NOT NULL
table spent_tokens: stream text COLLATE "C" NOT NULL
table spent_tokens: at bigint NOT NULL
table streams: id bigint NOT NULL GENERATED ALWAYS AS IDENTITY
table streams: scope text COLLATE "C" NOT NULL
table streams: stream text COLLATE "C" NOT NULL
table versions: scope text COLLATE "C" NOT NULL
table versions: session_id text COLLATE "C" NOT NULL
table versions: version integer NOT NULL
table versions: runbook_id text COLLATE "C" NOT NULL
table versions: at bigint NOT NULL
table worker_rows: worker_id text COLLATE "C" NOT NULL
table worker_rows: owner text COLLATE "C" NOT NULL
table worker_rows: queues text COLLATE "C"
table worker_rows: scopes text COLLATE "C"
table worker_rows: concurrency integer NOT NULL
table worker_rows: active integer NOT NULL
table worker_rows: build text COLLATE "C" NOT NULL
table worker_rows: started_at bigint NOT NULL
table worker_rows: last_seen_at bigint NOT NULL
table worker_rows: alive_until bigint NOT NULL
table worker_rows: session bigint
table worker_rows: pid integer
constraint artifacts.artifacts_pkey: PRIMARY KEY (scope, id)
constraint documents.documents_ord_key: UNIQUE (ord)
constraint documents.documents_pkey: PRIMARY KEY (scope, runbook_id, digest)
constraint event_rows.event_rows_pkey: PRIMARY KEY (stream_id, seq)
constraint heads.heads_pkey: PRIMARY KEY (id)
constraint heads.heads_scope_stream_key: UNIQUE (scope, stream)
constraint inbox.inbox_kind_check: CHECK ((kind = ANY (ARRAY['signal'::text, 'decision'::text, 'cancel'::text, 'pause'::text, 'resume'::text])))
constraint inbox.inbox_ord_check: CHECK ((ord > 0))
constraint inbox.inbox_pkey: PRIMARY KEY (scope, run_id, ord)
constraint inbox.inbox_scope_run_id_key_key: UNIQUE (scope, run_id, key)
constraint inbox_consumed.inbox_consumed_pkey: PRIMARY KEY (scope, run_id, ord)
constraint lock_rows.lock_rows_access_check: CHECK ((access = ANY (ARRAY['read'::text, 'write'::text])))
constraint lock_rows.lock_rows_pkey: PRIMARY KEY (session, hold, key)
constraint migrations.migrations_checksum_check: CHECK ((checksum ~ '^[0-9a-f]{64}$'::text))
constraint migrations.migrations_pkey: PRIMARY KEY (version)
constraint migrations.migrations_version_check: CHECK ((version > 0))
constraint runbooks.runbooks_id_check: CHECK ((id ~ '^rb_[0-9a-f]{64}$'::text))
constraint runbooks.runbooks_ord_key: UNIQUE (ord)
constraint runbooks.runbooks_pkey: PRIMARY KEY (scope, id)
constraint runbooks.runbooks_scope_short_id_key: UNIQUE (scope, short_id)
constraint spent_tokens.spent_tokens_pkey: PRIMARY KEY (scope, token)
constraint streams.streams_pkey: PRIMARY KEY (id)
constraint streams.streams_scope_stream_key: UNIQUE (scope, stream)
constraint versions.versions_pkey: PRIMARY KEY (scope, session_id, version)
constraint versions.versions_version_check: CHECK ((version > 0))
constraint worker_rows.worker_rows_pkey: PRIMARY KEY (worker_id)
index CREATE UNIQUE INDEX artifacts_pkey ON artifacts USING btree (scope, id)
index CREATE UNIQUE INDEX documents_ord_key ON documents USING btree (ord)
index CREATE UNIQUE INDEX documents_pkey ON documents USING btree (scope, runbook_id, digest)
index CREATE UNIQUE INDEX event_rows_pkey ON event_rows USING btree (stream_id, seq)
index CREATE INDEX heads_busy ON heads USING btree (queue) WHERE (((status)::text = 'running'::text) AND (parent IS NULL))
index CREATE INDEX heads_dedup ON heads USING btree (scope, dedup_key, stream) WHERE (dedup_key IS NOT NULL)
index CREATE INDEX heads_parent ON heads USING btree (scope, parent, stream) WHERE (parent IS NOT NULL)
index CREATE INDEX heads_parked ON heads USING btree (scope, (
CASE
    WHEN (pending > 0) THEN (0)::bigint
    ELSE wake_at
END)) WHERE ((status)::text = 'parked'::text)
index CREATE UNIQUE INDEX heads_pkey ON heads USING btree (id)
index CREATE INDEX heads_queued ON heads USING btree (queue, scope, priority DESC, stream) WHERE ((status)::text = 'queued'::text)
index CREATE INDEX heads_runbook ON heads USING btree (scope, runbook_id, stream) WHERE (runbook_id IS NOT NULL)
index CREATE INDEX heads_running ON heads USING btree (scope, lease_until) WHERE ((status)::text = 'running'::text)
index CREATE UNIQUE INDEX heads_scope_stream_key ON heads USING btree (scope, stream)
index CREATE INDEX heads_started ON heads USING btree (queue, started_at) WHERE (started_at IS NOT NULL)
index CREATE UNIQUE INDEX heads_use ON heads USING btree (scope, use_key) WHERE (use_key IS NOT NULL)
index CREATE UNIQUE INDEX inbox_consumed_pkey ON inbox_consumed USING btree (scope, run_id, ord)
index CREATE UNIQUE INDEX inbox_pkey ON inbox USING btree (scope, run_id, ord)
index CREATE UNIQUE INDEX inbox_scope_run_id_key_key ON inbox USING btree (scope, run_id, key)
index CREATE INDEX lock_rows_key ON lock_rows USING btree (key)
index CREATE UNIQUE INDEX lock_rows_pkey ON lock_rows USING btree (session, hold, key)
index CREATE INDEX lock_rows_stripe ON lock_rows USING btree (stripe)
index CREATE UNIQUE INDEX migrations_pkey ON migrations USING btree (version)
index CREATE UNIQUE INDEX runbooks_ord_key ON runbooks USING btree (ord)
index CREATE UNIQUE INDEX runbooks_pkey ON runbooks USING btree (scope, id)
index CREATE UNIQUE INDEX runbooks_scope_short_id_key ON runbooks USING btree (scope, short_id)
index CREATE UNIQUE INDEX spent_tokens_pkey ON spent_tokens USING btree (scope, token)
index CREATE UNIQUE INDEX streams_pkey ON streams USING btree (id)
index CREATE UNIQUE INDEX streams_scope_stream_key ON streams USING btree (scope, stream)
index CREATE UNIQUE INDEX versions_pkey ON versions USING btree (scope, session_id, version)
index CREATE UNIQUE INDEX worker_rows_pkey ON worker_rows USING btree (worker_id)
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON artifacts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON event_rows FOR EACH STATEMENT EXECUTE FUNCTION refuse_event_change() enabled A
trigger CREATE TRIGGER drop_payload_only BEFORE UPDATE ON event_rows FOR EACH ROW EXECUTE FUNCTION drop_payload_only() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON inbox_consumed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON migrations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON runbooks FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON spent_tokens FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON streams FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
trigger CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change() enabled A
function advance_many(streams bigint[], owners text[], lease_epochs integer[], afters integer[], prevs bytea, places integer[], seqs integer[], epochs integer[], kinds text[], versions smallint[], starts integer[], lengths integer[], payloads bytea, digests bytea, hashes bytea, files json, bytes bytea[], OUT at bigint, OUT done integer[]) RETURNS record plpgsql v SET enable_seqscan=off SET enable_hashjoin=off SET enable_mergejoin=off SET jit=off AS $$
DECLARE
  ids bigint[];
BEGIN
  at := now_ms();
  SELECT array_agg(i.n::integer - 1), array_agg(i.id) INTO done, ids
  FROM unnest(streams, owners, lease_epochs, afters) WITH ORDINALITY AS i(id, owner, epoch, seq, n)
  JOIN heads h ON h.id = i.id AND h.owner = i.owner AND h.epoch = i.epoch
  WHERE substr(prevs, 32 * i.n::integer - 31, 32) = (SELECT e.hash FROM event_rows e WHERE e.stream_id = i.id AND e.seq = i.seq);
  PERFORM log_events(done, ids, at, places, seqs, epochs, kinds, versions, starts, lengths, payloads, digests, hashes);
  IF files IS NOT NULL THEN
    INSERT INTO artifacts (scope, id, kind, at, bytes)
    SELECT h.scope, decode(f.d, 'hex'), f.k, advance_many.at, advance_many.bytes[f.i]
    FROM json_to_recordset(files) AS f(o integer, i integer, d text, k text)
    JOIN heads h ON h.id = ids[array_position(done, f.o)]
    ON CONFLICT DO NOTHING;
  END IF;
END $$
function append(heads json, places integer[], seqs integer[], epochs integer[], kinds text[], versions smallint[], starts integer[], lengths integer[], payloads bytea, digests bytea, hashes bytea, files json, bytes bytea[], channel text, OUT at bigint, OUT done integer[], OUT ids bigint[]) RETURNS record plpgsql v SET enable_seqscan=off SET enable_hashjoin=off SET enable_mergejoin=off SET jit=off AS $$
DECLARE
  moment bigint := now_ms();
  notes text[];
BEGIN
  at := moment;
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(heads) AS i(
      o integer, s text, t text, x integer, p text, n integer, h text, fo text, fe integer, co text, ce integer, cm bigint,
      rel boolean, rest boolean, run boolean, sa boolean, st text, re text, wa bigint, uk text, rb text, rq text, q text, pr integer, lb text,
      pa text, dk text, nt text)
  ), moved AS (
    UPDATE heads h SET
      epoch = coalesce(i.ce, h.epoch),
      owner = CASE WHEN i.rel OR i.rest THEN NULL ELSE coalesce(i.co, h.owner) END,
      lease_until = CASE WHEN i.rel OR i.rest THEN NULL WHEN i.co IS NOT NULL THEN moment + i.cm ELSE h.lease_until END,
      status = CASE WHEN i.run THEN i.st ELSE h.status END,
      reason = CASE WHEN i.run THEN i.re ELSE h.reason END,
      wake_at = CASE WHEN i.run THEN i.wa ELSE h.wake_at END,
      use_key = CASE WHEN i.run THEN i.uk ELSE h.use_key END,
      started_at = CASE WHEN i.sa THEN coalesce(h.started_at, moment) ELSE h.started_at END
    FROM input i
    WHERE h.scope = i.s AND h.stream = i.t AND i.x > 0
      AND decode(i.p, 'hex') = (SELECT e.hash FROM event_rows e WHERE e.stream_id = h.id AND e.seq = i.x)
      AND CASE
        WHEN i.co IS NOT NULL THEN (h.owner IS NULL OR h.lease_until <= moment) AND h.epoch = i.ce - 1
        WHEN i.fo IS NOT NULL THEN h.owner = i.fo AND h.epoch = i.fe
        ELSE h.owner IS NULL
      END
      AND (NOT i.run OR i.uk IS NULL OR i.uk IS NOT DISTINCT FROM h.use_key)
    RETURNING h.id, i.o, i.nt
  ), named AS (
    INSERT INTO streams (scope, stream) SELECT i.s, i.t FROM input i
    WHERE i.x = 0 AND i.fo IS NULL AND coalesce(i.ce, 1) = 1
    ON CONFLICT DO NOTHING RETURNING id, scope, stream
  ), begun AS (
    INSERT INTO heads (id, scope, stream, epoch, owner, lease_until, status, reason, wake_at, use_key, runbook_id, requires,
      queue, priority, labels, parent, dedup_key, submitted_at, started_at)
    SELECT n.id, n.scope, n.stream, coalesce(i.ce, 0), CASE WHEN i.rel OR i.rest THEN NULL ELSE i.co END,
      CASE WHEN i.rel OR i.rest THEN NULL ELSE moment + i.cm END, i.st, i.re, i.wa, i.uk, i.rb, i.rq, i.q, i.pr, i.lb, i.pa, i.dk,
      CASE WHEN i.run THEN moment END, CASE WHEN i.sa THEN moment END
    FROM input i JOIN named n ON n.scope = i.s AND n.stream = i.t
    ON CONFLICT DO NOTHING RETURNING id, scope, stream
  ), written AS (
    SELECT id, o, nt FROM moved
    UNION ALL
    SELECT b.id, i.o, i.nt FROM begun b JOIN input i ON i.s = b.scope AND i.t = b.stream
  )
  SELECT array_agg(o), array_agg(id), array_agg(nt) FILTER (WHERE nt IS NOT NULL) INTO done, ids, notes FROM written;
  PERFORM log_events(done, ids, moment, places, seqs, epochs, kinds, versions, starts, lengths, payloads, digests, hashes);
  IF files IS NOT NULL THEN
    INSERT INTO artifacts (scope, id, kind, at, bytes)
    SELECT i.s, decode(f.d, 'hex'), f.k, moment, append.bytes[f.i]
    FROM json_to_recordset(files) AS f(o integer, i integer, d text, k text) JOIN json_to_recordset(heads) AS i(o integer, s text) USING (o)
    WHERE o = ANY (done)
    ON CONFLICT DO NOTHING;
  END IF;
  -- those who wait hear of it; what goes on under a lease is nobody else's business
  IF channel IS NOT NULL THEN
    PERFORM pg_notify(channel, note) FROM unnest(notes) note;
  END IF;
END $$
function as_json(canonical text) RETURNS jsonb plpgsql i AS $$
BEGIN
  RETURN canonical::jsonb;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END $$
function as_time(ms bigint) RETURNS timestamp with time zone sql i AS $$
  SELECT to_timestamp(ms / 1000.0)
$$
function commit_writes(commits jsonb, bytes bytea[], channel text) RETURNS jsonb plpgsql v SET enable_seqscan=off SET jit=off AS $$
DECLARE
  moment bigint;
  answers jsonb := '[]';
  answer jsonb;
  one jsonb;
  w jsonb;
  head heads;
  last_row record;
  found_row record;
  word text;
  stream_id bigint;
  ids bigint[];
  is_held boolean;
  changes text[] := '{}';
  place integer;
BEGIN
  -- first what several may want at once, in one order for everybody
  PERFORM pg_advisory_xact_lock(k) FROM (
    SELECT DISTINCT hashtextextended('runseal/limit/' || (l->>'queue'), 0) AS k
    FROM jsonb_array_elements(commits) c, jsonb_array_elements(c) cw, jsonb_array_elements(cw->'li') l
    WHERE jsonb_typeof(cw->'li') = 'array' ORDER BY 1
  ) keys;
  PERFORM 1 FROM heads h
    JOIN (SELECT DISTINCT cw->>'s' AS s, cw->>'t' AS t FROM jsonb_array_elements(commits) c, jsonb_array_elements(c) cw) wanted
      ON h.scope = wanted.s AND h.stream = wanted.t
    ORDER BY h.id FOR UPDATE OF h;

  FOR one IN SELECT c FROM jsonb_array_elements(commits) c LOOP
    moment := now_ms();
    answer := NULL;
    ids := '{}';
    FOR w IN SELECT x FROM jsonb_array_elements(one) x LOOP
      SELECT * INTO head FROM heads WHERE scope = w->>'s' AND stream = w->>'t' FOR UPDATE;
      IF head.id IS NULL THEN
        INSERT INTO streams (scope, stream) VALUES (w->>'s', w->>'t') ON CONFLICT DO NOTHING;
        -- whoever names a stream that somebody else begins at this moment waited for them just now
        SELECT * INTO head FROM heads WHERE scope = w->>'s' AND stream = w->>'t' FOR UPDATE;
        IF head.id IS NULL THEN
          SELECT s.id INTO stream_id FROM streams s WHERE s.scope = w->>'s' AND s.stream = w->>'t';
        END IF;
      END IF;
      ids := ids || coalesce(head.id, stream_id);
      SELECT e.seq, e.hash INTO last_row FROM event_rows e WHERE e.stream_id = head.id ORDER BY e.seq DESC LIMIT 1;
      is_held := head.owner IS NOT NULL AND head.lease_until > moment;
      IF w ? 'co' THEN
        IF is_held THEN
          answer := jsonb_build_object('kind', 'held', 'stream', w->>'t', 'owner', head.owner, 'leaseUntil', head.lease_until);
        ELSIF (w->>'ce')::integer <> coalesce(head.epoch, 0) + 1 THEN
          answer := jsonb_build_object('kind', 'stale', 'stream', w->>'t', 'currentEpoch', coalesce(head.epoch, 0), 'owner', head.owner);
        END IF;
      ELSIF (w ? 'fo' AND (head.owner IS DISTINCT FROM w->>'fo' OR head.epoch <> (w->>'fe')::integer))
        OR (NOT w ? 'fo' AND head.owner IS NOT NULL) THEN
        answer := jsonb_build_object('kind', 'stale', 'stream', w->>'t', 'currentEpoch', coalesce(head.epoch, 0), 'owner', head.owner);
      END IF;
      EXIT WHEN answer IS NOT NULL;
      IF coalesce(last_row.seq, 0) <> (w->>'x')::integer THEN
        answer := jsonb_build_object('kind', 'conflict', 'stream', w->>'t', 'actualSeq', coalesce(last_row.seq, 0));
        EXIT;
      END IF;
      IF w ? 'bk' OR (head.id IS NOT NULL AND w ? 'p' AND last_row.hash <> decode(w->>'p', 'hex')) THEN
        RAISE EXCEPTION 'the events do not continue the stream' USING ERRCODE = 'RS002',
          DETAIL = jsonb_build_object('stream', w->>'t', 'seq', coalesce((w->>'bk')::integer, (w->>'x')::integer + 1))::text;
      END IF;
      IF w ? 'li' THEN
        answer := limit_refusal(head, w, moment);
        EXIT WHEN answer IS NOT NULL;
      END IF;
      IF w->>'uk' IS NOT NULL AND (w->>'run')::boolean THEN
        SELECT h.stream, h.runbook_id INTO found_row FROM heads h
          WHERE h.scope = w->>'s' AND h.use_key = w->>'uk' AND h.stream <> w->>'t'
            -- unless this very commit takes it from the other
            AND NOT EXISTS (SELECT FROM jsonb_array_elements(one) o
              WHERE o->>'s' = h.scope AND o->>'t' = h.stream AND o ? 'run' AND o->>'uk' IS DISTINCT FROM h.use_key);
        IF FOUND THEN
          answer := jsonb_build_object('kind', 'exists', 'runId', substr(found_row.stream, 5), 'runbookId', found_row.runbook_id);
          EXIT;
        END IF;
      END IF;
      FOR word IN SELECT jsonb_array_elements_text(coalesce(w->'ap', '[]')) LOOP
        IF EXISTS (SELECT 1 FROM spent_tokens WHERE scope = w->>'s' AND token = word) THEN
          answer := jsonb_build_object('kind', 'spent', 'token', word);
          EXIT;
        END IF;
      END LOOP;
      EXIT WHEN answer IS NOT NULL;
    END LOOP;

    IF answer IS NULL THEN
      place := 0;
      answer := '[]';
      FOR w IN SELECT x FROM jsonb_array_elements(one) x LOOP
        place := place + 1;
        stream_id := ids[place];
        UPDATE heads h SET
          epoch = coalesce((w->>'ce')::integer, h.epoch),
          owner = CASE WHEN w ? 'rel' OR w ? 'rest' THEN NULL ELSE coalesce(w->>'co', h.owner) END,
          lease_until = CASE WHEN w ? 'rel' OR w ? 'rest' THEN NULL WHEN w ? 'co' THEN moment + (w->>'cm')::bigint ELSE h.lease_until END,
          status = CASE WHEN w ? 'run' THEN w->>'st' ELSE h.status END,
          reason = CASE WHEN w ? 'run' THEN w->>'re' ELSE h.reason END,
          wake_at = CASE WHEN w ? 'run' THEN (w->>'wa')::bigint ELSE h.wake_at END,
          use_key = CASE WHEN w ? 'run' THEN w->>'uk' ELSE h.use_key END,
          started_at = CASE WHEN w ? 'sa' THEN coalesce(h.started_at, moment) ELSE h.started_at END
        WHERE h.id = stream_id RETURNING * INTO head;
        IF NOT FOUND THEN
          INSERT INTO heads (id, scope, stream, epoch, owner, lease_until, status, reason, wake_at, use_key,
            runbook_id, requires, queue, priority, labels, parent, dedup_key, submitted_at, started_at)
          VALUES (stream_id, w->>'s', w->>'t', coalesce((w->>'ce')::integer, 0),
            CASE WHEN NOT w ? 'rel' AND NOT w ? 'rest' THEN w->>'co' END,
            CASE WHEN NOT w ? 'rel' AND NOT w ? 'rest' AND w ? 'co' THEN moment + (w->>'cm')::bigint END,
            w->>'st', w->>'re', (w->>'wa')::bigint, w->>'uk', w->>'rb', w->>'rq', w->>'q', (w->>'pr')::integer, w->>'lb', w->>'pa',
            w->>'dk', CASE WHEN w ? 'run' THEN moment END, CASE WHEN w ? 'sa' THEN moment END)
          RETURNING * INTO head;
        END IF;
        INSERT INTO spent_tokens (scope, token, stream, at)
          SELECT w->>'s', token, w->>'t', moment FROM jsonb_array_elements_text(coalesce(w->'ap', '[]')) token;
        INSERT INTO event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
          SELECT stream_id, moment, e.q, e.e, e.v, e.k, decode(e.d, 'hex'), decode(e.h, 'hex'), e.p
          FROM jsonb_to_recordset(w->'e') AS e(q integer, k text, v smallint, e integer, p text, d text, h text);
        INSERT INTO artifacts (scope, id, kind, at, bytes)
          SELECT w->>'s', decode(f.d, 'hex'), f.k, moment, bytes[f.i]
          FROM jsonb_to_recordset(coalesce(w->'f', '[]')) AS f(i integer, d text, k text) ON CONFLICT DO NOTHING;
        PERFORM consume_messages(w->>'s', w->>'t', coalesce(w->'sg', '[]'), (w->>'n')::integer);
        SELECT e.seq, e.hash INTO last_row FROM event_rows e WHERE e.stream_id = head.id ORDER BY e.seq DESC LIMIT 1;
        answer := answer || jsonb_build_object('stream', w->>'t', 'seq', last_row.seq, 'hash', encode(last_row.hash, 'hex'), 'id', head.id::text);
        IF w ? 'nt' THEN changes := changes || (w->>'nt'); END IF;
      END LOOP;
      answer := jsonb_build_object('kind', 'committed', 'heads', answer, 'at', moment);
    END IF;
    answers := answers || jsonb_build_array(answer);
  END LOOP;
  PERFORM pg_notify(channel, change) FROM unnest(changes) change;
  RETURN answers;
END $$
function consume_messages(of_scope text, of_stream text, keys jsonb, at_seq integer) RETURNS void plpgsql v AS $$
DECLARE
  marked integer;
BEGIN
  IF jsonb_array_length(keys) = 0 THEN RETURN; END IF;
  INSERT INTO inbox_consumed (scope, run_id, ord, seq)
    SELECT i.scope, i.run_id, i.ord, at_seq FROM inbox i JOIN jsonb_array_elements_text(keys) k ON k = i.key
    WHERE i.scope = of_scope AND i.run_id = substr(of_stream, 5) AND NOT EXISTS (
      SELECT 1 FROM inbox_consumed c WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord);
  GET DIAGNOSTICS marked = ROW_COUNT;
  IF marked <> jsonb_array_length(keys) THEN
    RAISE EXCEPTION 'a message to consume is not in the inbox, or was consumed before' USING ERRCODE = 'RS003';
  END IF;
  UPDATE heads SET pending = pending - marked WHERE scope = of_scope AND stream = of_stream;
END $$
function drop_payload_only() RETURNS trigger plpgsql v AS $$
BEGIN
  -- what heads are computed from stays, and what says that something was dropped
  IF NEW.payload IS NULL AND OLD.kind NOT LIKE 'run.%' AND OLD.kind NOT LIKE 'lease.%' AND OLD.kind <> 'payload.dropped'
    AND ROW(NEW.stream_id, NEW.at, NEW.seq, NEW.epoch, NEW.v, NEW.kind, NEW.payload_digest, NEW.hash)
      = ROW(OLD.stream_id, OLD.at, OLD.seq, OLD.epoch, OLD.v, OLD.kind, OLD.payload_digest, OLD.hash)
    AND EXISTS (
      SELECT 1 FROM event_rows d
      WHERE d.stream_id = OLD.stream_id AND d.kind = 'payload.dropped'
        AND (d.payload::jsonb->>'fromSeq')::bigint <= OLD.seq AND (d.payload::jsonb->>'toSeq')::bigint >= OLD.seq
    ) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$
function drop_payloads(of_scope text, of_stream text) RETURNS integer plpgsql v AS $$
DECLARE
  head heads;
  dropped integer;
  before text := current_setting('runseal.retention', true);
BEGIN
  SELECT * INTO head FROM heads WHERE scope = of_scope AND stream = of_stream FOR UPDATE;
  IF head.status IS NULL OR head.status NOT IN ('completed', 'failed', 'canceled') THEN RETURN -1; END IF;
  PERFORM set_config('runseal.retention', 'runseal', true);
  UPDATE event_rows e SET payload = NULL
    WHERE e.stream_id = head.id AND e.payload IS NOT NULL
      AND e.kind NOT LIKE 'run.%' AND e.kind NOT LIKE 'lease.%' AND e.kind <> 'payload.dropped'
      AND EXISTS (
        SELECT 1 FROM event_rows d
        WHERE d.stream_id = e.stream_id AND d.kind = 'payload.dropped'
          AND (d.payload::jsonb->>'fromSeq')::bigint <= e.seq AND (d.payload::jsonb->>'toSeq')::bigint >= e.seq
      );
  GET DIAGNOSTICS dropped = ROW_COUNT;
  PERFORM set_config('runseal.retention', coalesce(before, ''), true);
  RETURN dropped;
END $$
function forget_dead_locks() RETURNS void sql v AS $$
  WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM held_locks() h)
  DELETE FROM lock_rows r WHERE NOT EXISTS (SELECT 1 FROM held s WHERE s.pid = r.pid AND s.lock = r.session)
$$
function give_locks(of_pid integer, of_session bigint, holds bigint[], keys bigint[], is_shared boolean[], waiting bigint, heard boolean, channel text) RETURNS void plpgsql v AS $$
BEGIN
  IF pg_backend_pid() <> of_pid THEN
    RAISE EXCEPTION 'the session is served by another backend now' USING ERRCODE = 'RS004';
  END IF;
  DELETE FROM lock_rows WHERE session = of_session AND hold = ANY (holds);
  PERFORM CASE WHEN l.is_shared THEN pg_advisory_unlock_shared(l.key) ELSE pg_advisory_unlock(l.key) END
    FROM unnest(keys, is_shared) AS l(key, is_shared);
  IF heard THEN PERFORM pg_advisory_unlock_shared(waiting); END IF;
  -- whoever waits holds it shared
  IF NOT pg_try_advisory_xact_lock(waiting) THEN PERFORM pg_notify(channel, 'locks'); END IF;
END $$
function held_locks() RETURNS TABLE(pid integer, lock bigint) sql v AS $$
  SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$
function labels_of(canonical text) RETURNS jsonb sql i AS $$
  SELECT replace(canonical, '\u0000', '\ue000')::jsonb
$$
function limit_refusal(head heads, w jsonb, moment bigint) RETURNS jsonb plpgsql v AS $$
DECLARE
  one jsonb;
  value jsonb;
  found_count bigint;
  retry_at bigint;
BEGIN
  IF w->>'st' IS DISTINCT FROM 'running' OR head.parent IS NOT NULL THEN RETURN NULL; END IF;
  FOR one IN SELECT l FROM jsonb_array_elements(w->'li') l LOOP
    value := CASE WHEN one->>'label' IS NULL THEN NULL ELSE labels_of(head.labels)->(one->>'label') END;
    CONTINUE WHEN one->>'queue' <> head.queue OR (one->>'label' IS NOT NULL AND value IS NULL);
    IF one->>'running' IS NOT NULL THEN
      SELECT count(*) INTO found_count FROM heads h
        WHERE h.status = 'running' AND h.queue = head.queue AND h.parent IS NULL AND h.id <> head.id
          AND (value IS NULL OR (h.scope = head.scope AND labels_of(h.labels)->(one->>'label') = value));
      IF found_count >= (one->>'running')::bigint THEN
        RETURN jsonb_build_object('kind', 'limited', 'stream', head.stream, 'limit', one, 'retryAt', NULL);
      END IF;
    END IF;
    IF one->'starts'->>'runs' IS NOT NULL AND w ? 'sa' AND head.started_at IS NULL THEN
      SELECT count(*), min(started_at) INTO found_count, retry_at FROM (
        SELECT h.started_at FROM heads h
        WHERE h.started_at > moment - (one->'starts'->>'perMs')::bigint AND h.queue = head.queue AND h.parent IS NULL AND h.id <> head.id
          AND (value IS NULL OR (h.scope = head.scope AND labels_of(h.labels)->(one->>'label') = value))
        ORDER BY h.started_at DESC LIMIT (one->'starts'->>'runs')::bigint
      ) newest;
      IF found_count >= (one->'starts'->>'runs')::bigint THEN
        RETURN jsonb_build_object('kind', 'limited', 'stream', head.stream, 'limit', one,
          'retryAt', retry_at + (one->'starts'->>'perMs')::bigint);
      END IF;
    END IF;
  END LOOP;
  RETURN NULL;
END $$
function lock_holder(of_lock bigint) RETURNS json sql v AS $$
  WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM held_locks() h)
  SELECT coalesce((
    SELECT json_build_object('source', 'pg_locks', 'runId', r.run_id, 'runbookId', r.runbook_id, 'holder', r.holder)
    FROM lock_rows r
    JOIN held s ON s.pid = r.pid AND s.lock = r.session
    JOIN held l ON l.pid = r.pid AND l.lock = CASE WHEN r.is_striped THEN r.stripe ELSE r.key END
    WHERE r.key = of_lock OR r.stripe = of_lock
    ORDER BY r.is_striped DESC, r.access = 'write' DESC, r.at, r.hold LIMIT 1
  ), (
    SELECT json_build_object('source', 'unknown', 'runId', NULL, 'runbookId', NULL, 'holder', NULL)
    FROM held h WHERE h.lock = of_lock LIMIT 1
  ))
$$
function log_events(done integer[], ids bigint[], moment bigint, places integer[], seqs integer[], epochs integer[], kinds text[], versions smallint[], starts integer[], lengths integer[], payloads bytea, digests bytea, hashes bytea) RETURNS void plpgsql v AS $$
BEGIN
  INSERT INTO event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
  SELECT ids[array_position(done, e.place)], moment, e.seq, e.epoch, e.v, e.kind, substr(digests, 32 * e.n::integer - 31, 32),
    substr(hashes, 32 * e.n::integer - 31, 32), convert_from(substr(payloads, e.start, e.length), 'UTF8')
  FROM unnest(places, seqs, epochs, kinds, versions, starts, lengths)
    WITH ORDINALITY AS e(place, seq, epoch, kind, v, start, length, n)
  WHERE e.place = ANY (done);
END $$
function now_ms() RETURNS bigint sql v AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$
function put_message(of_scope text, of_run text, of_key text, of_kind text, text_in text, digest_in text, is_bounded boolean, undelivered_max integer, channel text, change text) RETURNS text plpgsql v AS $$
DECLARE
  head heads;
  known record;
BEGIN
  SELECT * INTO head FROM heads WHERE scope = of_scope AND stream = 'run/' || of_run FOR UPDATE;
  IF head.status IS NULL THEN RETURN 'not_found'; END IF;
  SELECT i.payload, i.kind INTO known FROM inbox i WHERE i.scope = of_scope AND i.run_id = of_run AND i.key = of_key;
  IF FOUND THEN
    RETURN CASE WHEN known.payload = text_in AND known.kind = of_kind THEN 'same' ELSE 'conflict' END;
  END IF;
  IF head.status IN ('completed', 'failed', 'canceled') THEN RETURN 'terminal/' || head.status; END IF;
  IF is_bounded AND head.pending >= undelivered_max THEN RETURN 'full'; END IF;
  INSERT INTO inbox (scope, run_id, ord, kind, key, payload, payload_digest, at)
    SELECT of_scope, of_run, coalesce(max(i.ord), 0) + 1, of_kind, of_key, text_in, digest_in, now_ms()
    FROM inbox i WHERE i.scope = of_scope AND i.run_id = of_run;
  UPDATE heads SET pending = pending + 1 WHERE id = head.id;
  PERFORM pg_notify(channel, change);
  RETURN 'stored';
END $$
function refuse_change() RETURNS trigger plpgsql v AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$
function refuse_event_change() RETURNS trigger plpgsql v AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('runseal.retention', true) = 'runseal' THEN RETURN NULL; END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$
function take_locks(of_pid integer, of_session bigint, of_session_at bigint, keys bigint[], is_shared boolean[], ends integer[], owners json, request integer[], entities bigint[], stripes bigint[], accesses text[], kinds text[], ids text[], waiting bigint) RETURNS text plpgsql v AS $$
DECLARE
  held integer[] := '{}';
  missed integer[] := '{}';
  holders json[] := '{}';
  begins integer := 1;
  place integer;
  missing integer;
BEGIN
  IF pg_backend_pid() <> of_pid THEN
    RAISE EXCEPTION 'the session is served by another backend now' USING ERRCODE = 'RS004';
  END IF;
  FOR n IN 1 .. cardinality(ends) LOOP
    missing := 0;
    FOR place IN begins .. ends[n] LOOP
      IF (CASE WHEN is_shared[place] THEN pg_try_advisory_lock_shared(keys[place]) ELSE pg_try_advisory_lock(keys[place]) END) THEN
        held := held || place;
      ELSE
        missing := place;
        EXIT;
      END IF;
    END LOOP;
    IF missing > 0 THEN
      WHILE held[cardinality(held)] >= begins LOOP
        place := held[cardinality(held)];
        PERFORM CASE WHEN is_shared[place] THEN pg_advisory_unlock_shared(keys[place]) ELSE pg_advisory_unlock(keys[place]) END;
        held := trim_array(held, 1);
      END LOOP;
    END IF;
    missed := missed || missing;
    begins := ends[n] + 1;
  END LOOP;
  INSERT INTO lock_rows (session, hold, key, stripe, is_striped, pid, session_at, at, access, scope, run_id, runbook_id,
    holder, kind, id)
  SELECT of_session, o.h, e.key, e.stripe, o.x, of_pid, of_session_at, now_ms(), e.access, o.c, o.r, o.b, o.o, e.kind, e.id
  FROM unnest(request, entities, stripes, accesses, kinds, ids) AS e(request, key, stripe, access, kind, id)
  JOIN json_to_recordset(owners) AS o(n integer, h bigint, c text, r text, b text, o text, x boolean) ON o.n = e.request
  WHERE missed[e.request] = 0;
  FOR n IN 1 .. cardinality(missed) LOOP
    holders := holders || CASE WHEN missed[n] > 0 THEN lock_holder(keys[missed[n]]) END;
  END LOOP;
  IF waiting IS NOT NULL AND 0 < ANY (missed) THEN
    IF pg_try_advisory_lock_shared(waiting) THEN waiting := NULL; END IF;
  END IF;
  RETURN json_build_object('missed', missed, 'holders', holders, 'isHeard', waiting IS NULL);
EXCEPTION WHEN query_canceled OR OTHERS THEN
  -- advisory locks of a session outlive the rollback of what took them
  FOREACH place IN ARRAY held LOOP
    PERFORM CASE WHEN is_shared[place] THEN pg_advisory_unlock_shared(keys[place]) ELSE pg_advisory_unlock(keys[place]) END;
  END LOOP;
  RAISE;
END $$
view events: scope text
view events: stream text
view events: seq counter
view events: at timestamp with time zone
view events: kind event_kind
view events: v smallint
view events: epoch integer
view events: payload jsonb
view events: payload_digest text
view events: prev text
view events: hash text
view events: is_dropped boolean
view locks: scope text
view locks: kind text
view locks: id text
view locks: access text
view locks: run_id text
view locks: runbook_id text
view locks: holder text
view locks: at timestamp with time zone
view locks: pid integer
view locks: key bigint
view locks: is_striped boolean
view locks: is_held boolean
view runs: scope text
view runs: run_id text
view runs: stream text
view runs: runbook_id text
view runs: status run_status
view runs: reason text
view runs: queue text
view runs: priority integer
view runs: labels jsonb
view runs: requires jsonb
view runs: parent text
view runs: dedup_key text
view runs: owner text
view runs: epoch integer
view runs: lease_until timestamp with time zone
view runs: wake_at timestamp with time zone
view runs: messages_waiting integer
view runs: submitted_at timestamp with time zone
view runs: started_at timestamp with time zone
view runs: ended_at timestamp with time zone
view runs: seq counter
view runs: hash text
view steps: scope text
view steps: run_id text
view steps: stream text
view steps: step_id text
view steps: status text
view steps: attempts bigint
view steps: entered_at timestamp with time zone
view steps: ended_at timestamp with time zone
view steps: failure_code text
view steps: last_seq integer
view workers: worker_id text
view workers: owner text
view workers: queues jsonb
view workers: scopes jsonb
view workers: concurrency integer
view workers: active integer
view workers: build jsonb
view workers: started_at timestamp with time zone
view workers: last_seen_at timestamp with time zone
view workers: alive_until timestamp with time zone
view workers: pid integer
