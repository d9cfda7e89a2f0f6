-- Schema 1 of the store on PostgreSQL. {{schema}} stands for the quoted name of the schema.
--
-- Truth tables only grow: statement triggers that fire whatever the session says refuse UPDATE, DELETE and TRUNCATE. They hold
-- canonical texts and bytes beside their digests. heads, lock_rows and worker_rows are projections: the only tables that change.

CREATE FUNCTION {{schema}}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'RS001';
END $$;

-- which migrations this schema has had; a package older than a breaking one must not use it
CREATE TABLE {{schema}}.migrations (
  version integer PRIMARY KEY CHECK (version > 0),
  name text COLLATE "C" NOT NULL,
  -- SHA-256 of the migration's text, schema not put in
  checksum text COLLATE "C" NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
  breaking boolean NOT NULL,
  at bigint NOT NULL
);
-- Constraints of domains are kept by a session; those of a table are read anew for every statement, which costs as much as the insert.
CREATE DOMAIN {{schema}}.counter AS integer CHECK (VALUE > 0);
CREATE DOMAIN {{schema}}.sha256 AS bytea CHECK (length(VALUE) = 32);
CREATE DOMAIN {{schema}}.run_status AS text COLLATE "C"
  CHECK (VALUE IN ('queued', 'running', 'parked', 'completed', 'failed', 'canceled'));
CREATE DOMAIN {{schema}}.event_kind AS text COLLATE "C" CHECK (VALUE IN (
  'run.submitted', 'run.started', 'run.resumed', 'run.parked', 'run.paused', 'run.completed', 'run.failed',
  'run.canceled', 'run.forked', 'run.amended', 'step.entered', 'step.completed', 'step.failed', 'step.skipped',
  'step.parked', 'step.retry_scheduled', 'step.fenced', 'step.in_doubt', 'lock.acquired', 'lock.contended',
  'lock.released', 'lock.lost', 'lease.taken', 'wait.opened', 'wait.answered', 'timer.set', 'signal.received',
  'signal.delivered', 'decision.made', 'approval.given', 'approval.revoked', 'approval.consumed',
  'approval.released', 'fact.recorded', 'artifact.written', 'child.spawned', 'child.completed', 'progress',
  'domain', 'session.changed', 'turn.signal', 'record.failed', 'payload.dropped'
));

-- a number for each stream, so that an event does not repeat the names
CREATE TABLE {{schema}}.streams (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scope text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  UNIQUE (scope, stream)
);

CREATE TABLE {{schema}}.event_rows (
  stream_id bigint NOT NULL,
  at bigint NOT NULL,
  seq {{schema}}.counter NOT NULL,
  epoch integer NOT NULL,
  v smallint NOT NULL,
  kind {{schema}}.event_kind NOT NULL,
  payload_digest {{schema}}.sha256 NOT NULL,
  -- of this event over its payload's digest and the hash before it, which is that of the row before it
  hash {{schema}}.sha256 NOT NULL,
  -- canonical text; null once it was dropped, which a payload.dropped event of the stream says
  payload text COLLATE "C",
  PRIMARY KEY (stream_id, seq)
);

CREATE TABLE {{schema}}.artifacts (
  scope text COLLATE "C" NOT NULL,
  id {{schema}}.sha256 NOT NULL,
  kind text NOT NULL,
  at bigint NOT NULL,
  -- null once they were dropped
  bytes bytea,
  PRIMARY KEY (scope, id)
);

CREATE TABLE {{schema}}.spent_tokens (
  scope text COLLATE "C" NOT NULL,
  token text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, token)
);

CREATE TABLE {{schema}}.runbooks (
  ord bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  scope text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL CHECK (id ~ '^rb_[0-9a-f]{64}$'),
  -- the part of an id that a UUID holds
  short_id text COLLATE "C" NOT NULL GENERATED ALWAYS AS (substr(id, 1, 35)) STORED,
  content text COLLATE "C" NOT NULL,
  evidence text COLLATE "C" NOT NULL,
  evidence_digest text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, id),
  UNIQUE (scope, short_id)
);

CREATE TABLE {{schema}}.documents (
  ord bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  scope text COLLATE "C" NOT NULL,
  runbook_id text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  document text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, runbook_id, digest)
);

CREATE TABLE {{schema}}.versions (
  scope text COLLATE "C" NOT NULL,
  session_id text COLLATE "C" NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  runbook_id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, session_id, version)
);

CREATE TABLE {{schema}}.inbox (
  scope text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  ord integer NOT NULL CHECK (ord > 0),
  kind text COLLATE "C" NOT NULL CHECK (kind IN ('signal', 'decision', 'cancel', 'pause', 'resume')),
  key text COLLATE "C" NOT NULL,
  payload text COLLATE "C" NOT NULL,
  payload_digest text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, run_id, ord),
  UNIQUE (scope, run_id, key)
);

CREATE TABLE {{schema}}.inbox_consumed (
  scope text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  ord integer NOT NULL,
  -- the seq of the stream after the commit that consumed the message
  seq integer NOT NULL,
  PRIMARY KEY (scope, run_id, ord)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.migrations
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.migrations ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.streams
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.streams ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.event_rows
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.event_rows ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.spent_tokens
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.spent_tokens ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.runbooks
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.runbooks ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.documents
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.documents ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.versions
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.versions ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.artifacts
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.artifacts ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.inbox
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.inbox ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {{schema}}.inbox_consumed
  FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.refuse_change();
ALTER TABLE {{schema}}.inbox_consumed ENABLE ALWAYS TRIGGER append_only;

-- where each stream stands: the lease, and of runs what a queue needs to know. Seq and hash are those of its newest event: a step that
-- goes on under its lease changes nothing here.
CREATE TABLE {{schema}}.heads (
  id bigint PRIMARY KEY,
  lease_until bigint,
  wake_at bigint,
  submitted_at bigint,
  started_at bigint,
  epoch integer NOT NULL,
  priority integer,
  -- messages that no commit has consumed; while there are some, a run that has not ended is due at once
  pending integer NOT NULL DEFAULT 0,
  status {{schema}}.run_status,
  reason text COLLATE "C",
  owner text COLLATE "C",
  scope text COLLATE "C" NOT NULL,
  stream text COLLATE "C" NOT NULL,
  runbook_id text COLLATE "C",
  queue text COLLATE "C",
  parent text COLLATE "C",
  dedup_key text COLLATE "C",
  use_key text COLLATE "C",
  -- canonical texts
  requires text COLLATE "C",
  labels text COLLATE "C",
  UNIQUE (scope, stream)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX heads_use ON {{schema}}.heads (scope, use_key) WHERE use_key IS NOT NULL;
CREATE INDEX heads_queued ON {{schema}}.heads (queue, scope, priority DESC, stream) WHERE status = 'queued';
CREATE INDEX heads_parked ON {{schema}}.heads (scope, (CASE WHEN pending > 0 THEN 0 ELSE wake_at END)) WHERE status = 'parked';
CREATE INDEX heads_running ON {{schema}}.heads (scope, lease_until) WHERE status = 'running';
CREATE INDEX heads_busy ON {{schema}}.heads (queue) WHERE status = 'running' AND parent IS NULL;
CREATE INDEX heads_started ON {{schema}}.heads (queue, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX heads_runbook ON {{schema}}.heads (scope, runbook_id, stream) WHERE runbook_id IS NOT NULL;
CREATE INDEX heads_dedup ON {{schema}}.heads (scope, dedup_key, stream) WHERE dedup_key IS NOT NULL;
CREATE INDEX heads_parent ON {{schema}}.heads (scope, parent, stream) WHERE parent IS NOT NULL;

-- On whose behalf the advisory locks of a session are held: a row for each entity. The rows mean nothing once their session has ended, so
-- they need not outlive a crash, and nothing of them is written ahead.
CREATE UNLOGGED TABLE {{schema}}.lock_rows (
  -- an advisory lock that the session holds as long as it lives: where nobody holds it, the row is dead
  session bigint NOT NULL,
  hold bigint NOT NULL,
  -- the entity's advisory lock
  key bigint NOT NULL,
  -- the advisory lock of the stripe of the scope that the entity lies in: held shared beside its own, or instead of it
  stripe bigint NOT NULL,
  is_striped boolean NOT NULL,
  pid integer NOT NULL,
  -- pg_stat_activity.backend_start of the session, microseconds since the epoch
  session_at bigint NOT NULL,
  at bigint NOT NULL,
  access text COLLATE "C" NOT NULL CHECK (access IN ('read', 'write')),
  scope text COLLATE "C" NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  runbook_id text COLLATE "C" NOT NULL,
  holder text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  PRIMARY KEY (session, hold, key)
);
CREATE INDEX lock_rows_key ON {{schema}}.lock_rows (key);
CREATE INDEX lock_rows_stripe ON {{schema}}.lock_rows (stripe);

CREATE TABLE {{schema}}.worker_rows (
  worker_id text COLLATE "C" PRIMARY KEY,
  owner text COLLATE "C" NOT NULL,
  -- canonical JSON; null: every queue, every scope
  queues text COLLATE "C",
  scopes text COLLATE "C",
  concurrency integer NOT NULL,
  active integer NOT NULL,
  build text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  alive_until bigint NOT NULL,
  -- an advisory lock that the process's session holds as long as it lives, and its backend; null: it has none
  session bigint,
  pid integer
);

-- the only clock that decides leases: milliseconds since the epoch
CREATE FUNCTION {{schema}}.now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Appends events that are given in columns, the n-th of each is one event: place of its write, seq, epoch, kind, version, and where in
-- payloads its text begins, with its length; payload digests and hashes end to end. ids are the streams of the writes that are done, whose
-- places done holds; events of the others are left out.
CREATE FUNCTION {{schema}}.log_events(done integer[], ids bigint[], moment bigint, places integer[], seqs integer[], epochs integer[],
  kinds text[], versions smallint[], starts integer[], lengths integer[], payloads bytea, digests bytea, hashes bytea) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO {{schema}}.event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
  SELECT ids[array_position(done, e.place)], moment, e.seq, e.epoch, e.v, e.kind, substr(digests, 32 * e.n::integer - 31, 32),
    substr(hashes, 32 * e.n::integer - 31, 32), convert_from(substr(payloads, e.start, e.length), 'UTF8')
  FROM unnest(places, seqs, epochs, kinds, versions, starts, lengths)
    WITH ORDINALITY AS e(place, seq, epoch, kind, v, start, length, n)
  WHERE e.place = ANY (done);
END $$;

-- What runs do under their leases, where their heads stay as they are: only inserts. Whoever takes a run over appends an event too, so
-- that of two who write at one moment the key of event_rows lets one through (23505 for the other). A run is given by its stream, who
-- holds it at which epoch, the seq after which it goes on, and the hash there (end to end); the rest as in log_events. files: {o place,
-- i index of bytes, d digest (hex), k kind}, null = none.
-- Plans that read a whole table look cheap while it is small, and are kept; the settings rule them out.
CREATE FUNCTION {{schema}}.advance_many(streams bigint[], owners text[], lease_epochs integer[], afters integer[], prevs bytea,
  places integer[], seqs integer[], epochs integer[], kinds text[], versions smallint[], starts integer[], lengths integer[],
  payloads bytea, digests bytea, hashes bytea, files json, bytes bytea[], OUT at bigint, OUT done integer[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  ids bigint[];
BEGIN
  at := {{schema}}.now_ms();
  SELECT array_agg(i.n::integer - 1), array_agg(i.id) INTO done, ids
  FROM unnest(streams, owners, lease_epochs, afters) WITH ORDINALITY AS i(id, owner, epoch, seq, n)
  JOIN {{schema}}.heads h ON h.id = i.id AND h.owner = i.owner AND h.epoch = i.epoch
  WHERE substr(prevs, 32 * i.n::integer - 31, 32) = (SELECT e.hash FROM {{schema}}.event_rows e WHERE e.stream_id = i.id AND e.seq = i.seq);
  PERFORM {{schema}}.log_events(done, ids, at, places, seqs, epochs, kinds, versions, starts, lengths, payloads, digests, hashes);
  IF files IS NOT NULL THEN
    INSERT INTO {{schema}}.artifacts (scope, id, kind, at, bytes)
    SELECT h.scope, decode(f.d, 'hex'), f.k, advance_many.at, advance_many.bytes[f.i]
    FROM json_to_recordset(files) AS f(o integer, i integer, d text, k text)
    JOIN {{schema}}.heads h ON h.id = ids[array_position(done, f.o)]
    ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- Commits of one stream each, as many as are waiting: those whose checks hold are written, and their places in the list given back.
-- The others are left to commit_writes, which can say why. heads: objects
--   {o place, s scope, t stream, x expected seq, p hash before (hex), n seq after, h hash after, fo fence owner, fe fence epoch,
--    co claiming owner, ce epoch, cm term in ms, rel gives the lease up, rest the run rests or has ended, run it is a run's, sa it has started, st status, re reason, wa wake_at,
--    uk use_key, rb runbook_id, rq requires, q queue, pr priority, lb labels, pa parent, dk dedup_key, nt what to tell others}
-- The rest is that of advance_many.
CREATE FUNCTION {{schema}}.append(heads json, places integer[], seqs integer[], epochs integer[], kinds text[], versions smallint[],
  starts integer[], lengths integer[], payloads bytea, digests bytea, hashes bytea, files json, bytes bytea[], channel text, OUT at bigint,
  OUT done integer[], OUT ids bigint[])
LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off AS $$
DECLARE
  moment bigint := {{schema}}.now_ms();
  notes text[];
BEGIN
  at := moment;
  WITH input AS MATERIALIZED (
    SELECT * FROM json_to_recordset(heads) AS i(
      o integer, s text, t text, x integer, p text, n integer, h text, fo text, fe integer, co text, ce integer, cm bigint,
      rel boolean, rest boolean, run boolean, sa boolean, st text, re text, wa bigint, uk text, rb text, rq text, q text, pr integer, lb text,
      pa text, dk text, nt text)
  ), moved AS (
    UPDATE {{schema}}.heads h SET
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
      AND decode(i.p, 'hex') = (SELECT e.hash FROM {{schema}}.event_rows e WHERE e.stream_id = h.id AND e.seq = i.x)
      AND CASE
        WHEN i.co IS NOT NULL THEN (h.owner IS NULL OR h.lease_until <= moment) AND h.epoch = i.ce - 1
        WHEN i.fo IS NOT NULL THEN h.owner = i.fo AND h.epoch = i.fe
        ELSE h.owner IS NULL
      END
      AND (NOT i.run OR i.uk IS NULL OR i.uk IS NOT DISTINCT FROM h.use_key)
    RETURNING h.id, i.o, i.nt
  ), named AS (
    INSERT INTO {{schema}}.streams (scope, stream) SELECT i.s, i.t FROM input i
    WHERE i.x = 0 AND i.fo IS NULL AND coalesce(i.ce, 1) = 1
    ON CONFLICT DO NOTHING RETURNING id, scope, stream
  ), begun AS (
    INSERT INTO {{schema}}.heads (id, scope, stream, epoch, owner, lease_until, status, reason, wake_at, use_key, runbook_id, requires,
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
  PERFORM {{schema}}.log_events(done, ids, moment, places, seqs, epochs, kinds, versions, starts, lengths, payloads, digests, hashes);
  IF files IS NOT NULL THEN
    INSERT INTO {{schema}}.artifacts (scope, id, kind, at, bytes)
    SELECT i.s, decode(f.d, 'hex'), f.k, moment, append.bytes[f.i]
    FROM json_to_recordset(files) AS f(o integer, i integer, d text, k text) JOIN json_to_recordset(heads) AS i(o integer, s text) USING (o)
    WHERE o = ANY (done)
    ON CONFLICT DO NOTHING;
  END IF;
  -- those who wait hear of it; what goes on under a lease is nobody else's business
  IF channel IS NOT NULL THEN
    PERFORM pg_notify(channel, note) FROM unnest(notes) note;
  END IF;
END $$;

-- Any commits, each all or nothing and answered for itself in order; the checks, and their order, are those of the port. One commit is
-- a list of writes {s, t, x, p, n, h, fo, fe, co, ce, cm, rel, rest, run, …} as in append, with e events {q seq, k kind, v, e epoch, p payload,
-- d payload digest (hex), h hash (hex)}, f files, ap approval tokens, sg keys of messages, li limits {queue, label, running, starts}, bk seq of the first event that does not continue the others.
CREATE FUNCTION {{schema}}.commit_writes(commits jsonb, bytes bytea[], channel text) RETURNS jsonb
LANGUAGE plpgsql SET enable_seqscan = off SET jit = off AS $$
DECLARE
  moment bigint;
  answers jsonb := '[]';
  answer jsonb;
  one jsonb;
  w jsonb;
  head {{schema}}.heads;
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
    SELECT DISTINCT hashtextextended('{{name}}/limit/' || (l->>'queue'), 0) AS k
    FROM jsonb_array_elements(commits) c, jsonb_array_elements(c) cw, jsonb_array_elements(cw->'li') l
    WHERE jsonb_typeof(cw->'li') = 'array' ORDER BY 1
  ) keys;
  PERFORM 1 FROM {{schema}}.heads h
    JOIN (SELECT DISTINCT cw->>'s' AS s, cw->>'t' AS t FROM jsonb_array_elements(commits) c, jsonb_array_elements(c) cw) wanted
      ON h.scope = wanted.s AND h.stream = wanted.t
    ORDER BY h.id FOR UPDATE OF h;

  FOR one IN SELECT c FROM jsonb_array_elements(commits) c LOOP
    moment := {{schema}}.now_ms();
    answer := NULL;
    ids := '{}';
    FOR w IN SELECT x FROM jsonb_array_elements(one) x LOOP
      SELECT * INTO head FROM {{schema}}.heads WHERE scope = w->>'s' AND stream = w->>'t' FOR UPDATE;
      IF head.id IS NULL THEN
        INSERT INTO {{schema}}.streams (scope, stream) VALUES (w->>'s', w->>'t') ON CONFLICT DO NOTHING;
        -- whoever names a stream that somebody else begins at this moment waited for them just now
        SELECT * INTO head FROM {{schema}}.heads WHERE scope = w->>'s' AND stream = w->>'t' FOR UPDATE;
        IF head.id IS NULL THEN
          SELECT s.id INTO stream_id FROM {{schema}}.streams s WHERE s.scope = w->>'s' AND s.stream = w->>'t';
        END IF;
      END IF;
      ids := ids || coalesce(head.id, stream_id);
      SELECT e.seq, e.hash INTO last_row FROM {{schema}}.event_rows e WHERE e.stream_id = head.id ORDER BY e.seq DESC LIMIT 1;
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
        answer := {{schema}}.limit_refusal(head, w, moment);
        EXIT WHEN answer IS NOT NULL;
      END IF;
      IF w->>'uk' IS NOT NULL AND (w->>'run')::boolean THEN
        SELECT h.stream, h.runbook_id INTO found_row FROM {{schema}}.heads h
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
        IF EXISTS (SELECT 1 FROM {{schema}}.spent_tokens WHERE scope = w->>'s' AND token = word) THEN
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
        UPDATE {{schema}}.heads h SET
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
          INSERT INTO {{schema}}.heads (id, scope, stream, epoch, owner, lease_until, status, reason, wake_at, use_key,
            runbook_id, requires, queue, priority, labels, parent, dedup_key, submitted_at, started_at)
          VALUES (stream_id, w->>'s', w->>'t', coalesce((w->>'ce')::integer, 0),
            CASE WHEN NOT w ? 'rel' AND NOT w ? 'rest' THEN w->>'co' END,
            CASE WHEN NOT w ? 'rel' AND NOT w ? 'rest' AND w ? 'co' THEN moment + (w->>'cm')::bigint END,
            w->>'st', w->>'re', (w->>'wa')::bigint, w->>'uk', w->>'rb', w->>'rq', w->>'q', (w->>'pr')::integer, w->>'lb', w->>'pa',
            w->>'dk', CASE WHEN w ? 'run' THEN moment END, CASE WHEN w ? 'sa' THEN moment END)
          RETURNING * INTO head;
        END IF;
        INSERT INTO {{schema}}.spent_tokens (scope, token, stream, at)
          SELECT w->>'s', token, w->>'t', moment FROM jsonb_array_elements_text(coalesce(w->'ap', '[]')) token;
        INSERT INTO {{schema}}.event_rows (stream_id, at, seq, epoch, v, kind, payload_digest, hash, payload)
          SELECT stream_id, moment, e.q, e.e, e.v, e.k, decode(e.d, 'hex'), decode(e.h, 'hex'), e.p
          FROM jsonb_to_recordset(w->'e') AS e(q integer, k text, v smallint, e integer, p text, d text, h text);
        INSERT INTO {{schema}}.artifacts (scope, id, kind, at, bytes)
          SELECT w->>'s', decode(f.d, 'hex'), f.k, moment, bytes[f.i]
          FROM jsonb_to_recordset(coalesce(w->'f', '[]')) AS f(i integer, d text, k text) ON CONFLICT DO NOTHING;
        PERFORM {{schema}}.consume_messages(w->>'s', w->>'t', coalesce(w->'sg', '[]'), (w->>'n')::integer);
        SELECT e.seq, e.hash INTO last_row FROM {{schema}}.event_rows e WHERE e.stream_id = head.id ORDER BY e.seq DESC LIMIT 1;
        answer := answer || jsonb_build_object('stream', w->>'t', 'seq', last_row.seq, 'hash', encode(last_row.hash, 'hex'), 'id', head.id::text);
        IF w ? 'nt' THEN changes := changes || (w->>'nt'); END IF;
      END LOOP;
      answer := jsonb_build_object('kind', 'committed', 'heads', answer, 'at', moment);
    END IF;
    answers := answers || jsonb_build_array(answer);
  END LOOP;
  PERFORM pg_notify(channel, change) FROM unnest(changes) change;
  RETURN answers;
END $$;

-- Labels, which are told apart by value. jsonb knows no NUL: a character of private use stands for it.
CREATE FUNCTION {{schema}}.labels_of(canonical text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT replace(canonical, '\u0000', '\ue000')::jsonb
$$;

-- Why a claim must wait, null = it need not. Claims with limits of one queue come here one after the other.
CREATE FUNCTION {{schema}}.limit_refusal(head {{schema}}.heads, w jsonb, moment bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  one jsonb;
  value jsonb;
  found_count bigint;
  retry_at bigint;
BEGIN
  IF w->>'st' IS DISTINCT FROM 'running' OR head.parent IS NOT NULL THEN RETURN NULL; END IF;
  FOR one IN SELECT l FROM jsonb_array_elements(w->'li') l LOOP
    value := CASE WHEN one->>'label' IS NULL THEN NULL ELSE {{schema}}.labels_of(head.labels)->(one->>'label') END;
    CONTINUE WHEN one->>'queue' <> head.queue OR (one->>'label' IS NOT NULL AND value IS NULL);
    IF one->>'running' IS NOT NULL THEN
      SELECT count(*) INTO found_count FROM {{schema}}.heads h
        WHERE h.status = 'running' AND h.queue = head.queue AND h.parent IS NULL AND h.id <> head.id
          AND (value IS NULL OR (h.scope = head.scope AND {{schema}}.labels_of(h.labels)->(one->>'label') = value));
      IF found_count >= (one->>'running')::bigint THEN
        RETURN jsonb_build_object('kind', 'limited', 'stream', head.stream, 'limit', one, 'retryAt', NULL);
      END IF;
    END IF;
    IF one->'starts'->>'runs' IS NOT NULL AND w ? 'sa' AND head.started_at IS NULL THEN
      SELECT count(*), min(started_at) INTO found_count, retry_at FROM (
        SELECT h.started_at FROM {{schema}}.heads h
        WHERE h.started_at > moment - (one->'starts'->>'perMs')::bigint AND h.queue = head.queue AND h.parent IS NULL AND h.id <> head.id
          AND (value IS NULL OR (h.scope = head.scope AND {{schema}}.labels_of(h.labels)->(one->>'label') = value))
        ORDER BY h.started_at DESC LIMIT (one->'starts'->>'runs')::bigint
      ) newest;
      IF found_count >= (one->'starts'->>'runs')::bigint THEN
        RETURN jsonb_build_object('kind', 'limited', 'stream', head.stream, 'limit', one,
          'retryAt', retry_at + (one->'starts'->>'perMs')::bigint);
      END IF;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION {{schema}}.consume_messages(of_scope text, of_stream text, keys jsonb, at_seq integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  marked integer;
BEGIN
  IF jsonb_array_length(keys) = 0 THEN RETURN; END IF;
  INSERT INTO {{schema}}.inbox_consumed (scope, run_id, ord, seq)
    SELECT i.scope, i.run_id, i.ord, at_seq FROM {{schema}}.inbox i JOIN jsonb_array_elements_text(keys) k ON k = i.key
    WHERE i.scope = of_scope AND i.run_id = substr(of_stream, 5) AND NOT EXISTS (
      SELECT 1 FROM {{schema}}.inbox_consumed c WHERE c.scope = i.scope AND c.run_id = i.run_id AND c.ord = i.ord);
  GET DIAGNOSTICS marked = ROW_COUNT;
  IF marked <> jsonb_array_length(keys) THEN
    RAISE EXCEPTION 'a message to consume is not in the inbox, or was consumed before' USING ERRCODE = 'RS003';
  END IF;
  UPDATE {{schema}}.heads SET pending = pending - marked WHERE scope = of_scope AND stream = of_stream;
END $$;

-- Puts a message into a run's inbox: stored, same, conflict, terminal/<status>, not_found or full.
CREATE FUNCTION {{schema}}.put_message(of_scope text, of_run text, of_key text, of_kind text, text_in text, digest_in text,
  is_bounded boolean, undelivered_max integer, channel text, change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  head {{schema}}.heads;
  known record;
BEGIN
  SELECT * INTO head FROM {{schema}}.heads WHERE scope = of_scope AND stream = 'run/' || of_run FOR UPDATE;
  IF head.status IS NULL THEN RETURN 'not_found'; END IF;
  SELECT i.payload, i.kind INTO known FROM {{schema}}.inbox i WHERE i.scope = of_scope AND i.run_id = of_run AND i.key = of_key;
  IF FOUND THEN
    RETURN CASE WHEN known.payload = text_in AND known.kind = of_kind THEN 'same' ELSE 'conflict' END;
  END IF;
  IF head.status IN ('completed', 'failed', 'canceled') THEN RETURN 'terminal/' || head.status; END IF;
  IF is_bounded AND head.pending >= undelivered_max THEN RETURN 'full'; END IF;
  INSERT INTO {{schema}}.inbox (scope, run_id, ord, kind, key, payload, payload_digest, at)
    SELECT of_scope, of_run, coalesce(max(i.ord), 0) + 1, of_kind, of_key, text_in, digest_in, {{schema}}.now_ms()
    FROM {{schema}}.inbox i WHERE i.scope = of_scope AND i.run_id = of_run;
  UPDATE {{schema}}.heads SET pending = pending + 1 WHERE id = head.id;
  PERFORM pg_notify(channel, change);
  RETURN 'stored';
END $$;

-- The advisory locks that anybody holds in this database, by their 64-bit keys.
CREATE FUNCTION {{schema}}.held_locks() RETURNS TABLE (pid integer, lock bigint) LANGUAGE sql AS $$
  SELECT l.pid, (l.classid::bigint << 32) | l.objid::bigint FROM pg_locks l
  WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;

-- Who holds an entity or a stripe, who may do most with it first: {source, runId, runbookId, holder}; unknown when it is held, but nobody
-- says so, null when it is not held.
CREATE FUNCTION {{schema}}.lock_holder(of_lock bigint) RETURNS json LANGUAGE sql AS $$
  WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h)
  SELECT coalesce((
    SELECT json_build_object('source', 'pg_locks', 'runId', r.run_id, 'runbookId', r.runbook_id, 'holder', r.holder)
    FROM {{schema}}.lock_rows r
    JOIN held s ON s.pid = r.pid AND s.lock = r.session
    JOIN held l ON l.pid = r.pid AND l.lock = CASE WHEN r.is_striped THEN r.stripe ELSE r.key END
    WHERE r.key = of_lock OR r.stripe = of_lock
    ORDER BY r.is_striped DESC, r.access = 'write' DESC, r.at, r.hold LIMIT 1
  ), (
    SELECT json_build_object('source', 'unknown', 'runId', NULL, 'runbookId', NULL, 'holder', NULL)
    FROM held h WHERE h.lock = of_lock LIMIT 1
  ))
$$;

-- Tries the advisory locks of several requests for the session that calls, each request all or nothing, in the order given, never
-- waiting. keys and is_shared: the locks, request after request; ends: the place of each request's last lock. owners: {h hold, c scope,
-- r run, b runbook, o holder, x is striped} of each; request to ids: the entities. waiting: a lock that says that somebody waits, taken
-- when a request is refused. Answers for each request the place of the lock that was not to be had, 0 = it has them all, and who has it.
CREATE FUNCTION {{schema}}.take_locks(of_pid integer, of_session bigint, of_session_at bigint, keys bigint[], is_shared boolean[],
  ends integer[], owners json, request integer[], entities bigint[], stripes bigint[], accesses text[], kinds text[], ids text[],
  waiting bigint) RETURNS text
LANGUAGE plpgsql AS $$
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
  INSERT INTO {{schema}}.lock_rows (session, hold, key, stripe, is_striped, pid, session_at, at, access, scope, run_id, runbook_id,
    holder, kind, id)
  SELECT of_session, o.h, e.key, e.stripe, o.x, of_pid, of_session_at, {{schema}}.now_ms(), e.access, o.c, o.r, o.b, o.o, e.kind, e.id
  FROM unnest(request, entities, stripes, accesses, kinds, ids) AS e(request, key, stripe, access, kind, id)
  JOIN json_to_recordset(owners) AS o(n integer, h bigint, c text, r text, b text, o text, x boolean) ON o.n = e.request
  WHERE missed[e.request] = 0;
  FOR n IN 1 .. cardinality(missed) LOOP
    holders := holders || CASE WHEN missed[n] > 0 THEN {{schema}}.lock_holder(keys[missed[n]]) END;
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
END $$;

-- Gives locks back, and tells those who wait. waiting: the lock that says that somebody does; heard: the session holds it and no longer
-- needs it.
CREATE FUNCTION {{schema}}.give_locks(of_pid integer, of_session bigint, holds bigint[], keys bigint[], is_shared boolean[],
  waiting bigint, heard boolean, channel text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF pg_backend_pid() <> of_pid THEN
    RAISE EXCEPTION 'the session is served by another backend now' USING ERRCODE = 'RS004';
  END IF;
  DELETE FROM {{schema}}.lock_rows WHERE session = of_session AND hold = ANY (holds);
  PERFORM CASE WHEN l.is_shared THEN pg_advisory_unlock_shared(l.key) ELSE pg_advisory_unlock(l.key) END
    FROM unnest(keys, is_shared) AS l(key, is_shared);
  IF heard THEN PERFORM pg_advisory_unlock_shared(waiting); END IF;
  -- whoever waits holds it shared
  IF NOT pg_try_advisory_xact_lock(waiting) THEN PERFORM pg_notify(channel, 'locks'); END IF;
END $$;

-- Forgets what sessions that have ended held.
CREATE FUNCTION {{schema}}.forget_dead_locks() RETURNS void LANGUAGE sql AS $$
  WITH held AS MATERIALIZED (SELECT h.pid, h.lock FROM {{schema}}.held_locks() h)
  DELETE FROM {{schema}}.lock_rows r WHERE NOT EXISTS (SELECT 1 FROM held s WHERE s.pid = r.pid AND s.lock = r.session)
$$;
