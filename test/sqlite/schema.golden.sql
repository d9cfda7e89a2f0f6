CREATE TRIGGER runseal_artifacts_no_delete BEFORE DELETE ON runseal_artifacts
  BEGIN SELECT RAISE(ABORT, 'runseal_artifacts is append-only'); END;

CREATE TRIGGER runseal_artifacts_no_replace BEFORE INSERT ON runseal_artifacts
  WHEN EXISTS (SELECT 1 FROM runseal_artifacts WHERE scope = NEW.scope AND id = NEW.id)
  BEGIN SELECT RAISE(ABORT, 'runseal_artifacts is append-only'); END;

CREATE TRIGGER runseal_artifacts_no_update BEFORE UPDATE ON runseal_artifacts
  BEGIN SELECT RAISE(ABORT, 'runseal_artifacts is append-only'); END;

CREATE TABLE runseal_artifacts (
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  bytes BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runseal_documents_no_delete BEFORE DELETE ON runseal_documents
  BEGIN SELECT RAISE(ABORT, 'runseal_documents is append-only'); END;

CREATE TRIGGER runseal_documents_no_replace BEFORE INSERT ON runseal_documents
  WHEN EXISTS (SELECT 1 FROM runseal_documents WHERE scope = NEW.scope AND runbook_id = NEW.runbook_id AND ord = NEW.ord)
    OR EXISTS (SELECT 1 FROM runseal_documents WHERE scope = NEW.scope AND runbook_id = NEW.runbook_id AND digest = NEW.digest)
  BEGIN SELECT RAISE(ABORT, 'runseal_documents is append-only'); END;

CREATE TRIGGER runseal_documents_no_update BEFORE UPDATE ON runseal_documents
  BEGIN SELECT RAISE(ABORT, 'runseal_documents is append-only'); END;

CREATE TABLE runseal_documents (
  scope TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  ord INTEGER NOT NULL,
  digest TEXT NOT NULL,
  document TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, runbook_id, ord),
  UNIQUE (scope, runbook_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runseal_events_no_delete BEFORE DELETE ON runseal_events
  BEGIN SELECT RAISE(ABORT, 'runseal_events is append-only'); END;

CREATE TRIGGER runseal_events_no_replace BEFORE INSERT ON runseal_events
  WHEN EXISTS (SELECT 1 FROM runseal_events WHERE scope = NEW.scope AND stream = NEW.stream AND seq = NEW.seq)
  BEGIN SELECT RAISE(ABORT, 'runseal_events is append-only'); END;

CREATE TRIGGER runseal_events_no_update BEFORE UPDATE ON runseal_events
  BEGIN SELECT RAISE(ABORT, 'runseal_events is append-only'); END;

CREATE TABLE runseal_events (
  scope TEXT NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL CHECK (seq > 0),
  -- every kind of the event table on a line of its own; searching one text costs less than an IN list, which SQLite builds anew for
  -- every statement. A later schema may know more kinds, never fewer.
  kind TEXT NOT NULL CHECK (instr(kind, char(10)) = 0 AND instr('
run.submitted
run.started
run.resumed
run.parked
run.paused
run.completed
run.failed
run.canceled
run.forked
run.amended
step.entered
step.completed
step.failed
step.skipped
step.parked
step.retry_scheduled
step.fenced
step.in_doubt
lock.acquired
lock.contended
lock.released
lock.lost
lease.taken
wait.opened
wait.answered
timer.set
signal.received
signal.delivered
decision.made
approval.given
approval.revoked
approval.consumed
approval.released
fact.recorded
artifact.written
child.spawned
child.completed
progress
domain
session.changed
turn.signal
record.failed
payload.dropped
', char(10) || kind || char(10)) > 0),
  v INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  payload TEXT NOT NULL,
  payload_digest TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, stream, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE runseal_heads (
  scope TEXT NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  hash TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  owner TEXT,
  lease_until INTEGER,
  -- messages that no commit has consumed; while there are some, a run that has not ended is due at once
  pending INTEGER NOT NULL DEFAULT 0,
  -- null for streams that are not runs, like everything below
  runbook_id TEXT,
  status TEXT,
  reason TEXT,
  wake_at INTEGER,
  requires TEXT,
  queue TEXT,
  priority INTEGER,
  labels TEXT,
  parent TEXT,
  dedup_key TEXT,
  use_key TEXT,
  submitted_at INTEGER, started_at INTEGER,
  PRIMARY KEY (scope, stream)
) STRICT, WITHOUT ROWID;

CREATE INDEX runseal_heads_busy ON runseal_heads (queue) WHERE status = 'running';

CREATE INDEX runseal_heads_parent ON runseal_heads (scope, parent, stream) WHERE parent IS NOT NULL;

CREATE INDEX runseal_heads_parked ON runseal_heads (scope, CASE WHEN pending > 0 THEN 0 ELSE wake_at END) WHERE status = 'parked';

CREATE INDEX runseal_heads_queued ON runseal_heads (scope, priority DESC, stream) WHERE status = 'queued';

CREATE INDEX runseal_heads_runbook ON runseal_heads (scope, runbook_id, stream) WHERE runbook_id IS NOT NULL;

CREATE INDEX runseal_heads_running ON runseal_heads (scope, lease_until) WHERE status = 'running';

CREATE INDEX runseal_heads_started ON runseal_heads (queue, started_at) WHERE started_at IS NOT NULL;

CREATE UNIQUE INDEX runseal_heads_use ON runseal_heads (scope, use_key) WHERE use_key IS NOT NULL;

CREATE TRIGGER runseal_inbox_no_delete BEFORE DELETE ON runseal_inbox
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox is append-only'); END;

CREATE TRIGGER runseal_inbox_no_replace BEFORE INSERT ON runseal_inbox
  WHEN EXISTS (SELECT 1 FROM runseal_inbox WHERE scope = NEW.scope AND run_id = NEW.run_id AND ord = NEW.ord)
    OR EXISTS (SELECT 1 FROM runseal_inbox WHERE scope = NEW.scope AND run_id = NEW.run_id AND key = NEW.key)
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox is append-only'); END;

CREATE TRIGGER runseal_inbox_no_update BEFORE UPDATE ON runseal_inbox
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox is append-only'); END;

CREATE TABLE runseal_inbox (
  scope TEXT NOT NULL,
  run_id TEXT NOT NULL,
  ord INTEGER NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  payload_digest TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, run_id, ord),
  UNIQUE (scope, run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runseal_inbox_consumed_no_delete BEFORE DELETE ON runseal_inbox_consumed
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox_consumed is append-only'); END;

CREATE TRIGGER runseal_inbox_consumed_no_replace BEFORE INSERT ON runseal_inbox_consumed
  WHEN EXISTS (SELECT 1 FROM runseal_inbox_consumed WHERE scope = NEW.scope AND run_id = NEW.run_id AND ord = NEW.ord)
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox_consumed is append-only'); END;

CREATE TRIGGER runseal_inbox_consumed_no_update BEFORE UPDATE ON runseal_inbox_consumed
  BEGIN SELECT RAISE(ABORT, 'runseal_inbox_consumed is append-only'); END;

CREATE TABLE runseal_inbox_consumed (
  scope TEXT NOT NULL,
  run_id TEXT NOT NULL,
  ord INTEGER NOT NULL,
  -- the seq of the stream after the commit that consumed the message
  seq INTEGER NOT NULL,
  PRIMARY KEY (scope, run_id, ord)
) STRICT, WITHOUT ROWID;

CREATE TABLE runseal_locks (
  key TEXT NOT NULL,
  holder TEXT NOT NULL,
  -- counts the acquisitions of one holder, so that a run may hold a key twice
  hold INTEGER NOT NULL,
  scope TEXT NOT NULL,
  run_id TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  access TEXT NOT NULL CHECK (access IN ('read', 'write')),
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  -- when the row is dead where nobody can tell whether its holder lives: it was made on another host
  until INTEGER NOT NULL,
  PRIMARY KEY (key, holder, hold)
) STRICT, WITHOUT ROWID;

CREATE INDEX runseal_locks_holder ON runseal_locks (holder, hold);

CREATE TABLE runseal_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT;

CREATE TRIGGER runseal_runbooks_no_delete BEFORE DELETE ON runseal_runbooks
  BEGIN SELECT RAISE(ABORT, 'runseal_runbooks is append-only'); END;

CREATE TRIGGER runseal_runbooks_no_replace BEFORE INSERT ON runseal_runbooks
  WHEN EXISTS (SELECT 1 FROM runseal_runbooks WHERE scope = NEW.scope AND id = NEW.id)
    OR EXISTS (SELECT 1 FROM runseal_runbooks WHERE scope = NEW.scope AND ord = NEW.ord)
  BEGIN SELECT RAISE(ABORT, 'runseal_runbooks is append-only'); END;

CREATE TRIGGER runseal_runbooks_no_update BEFORE UPDATE ON runseal_runbooks
  BEGIN SELECT RAISE(ABORT, 'runseal_runbooks is append-only'); END;

CREATE TABLE runseal_runbooks (
  scope TEXT NOT NULL,
  id TEXT NOT NULL,
  ord INTEGER NOT NULL,
  content TEXT NOT NULL,
  evidence TEXT NOT NULL,
  evidence_digest TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, id),
  UNIQUE (scope, ord)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runseal_spent_tokens_no_delete BEFORE DELETE ON runseal_spent_tokens
  BEGIN SELECT RAISE(ABORT, 'runseal_spent_tokens is append-only'); END;

CREATE TRIGGER runseal_spent_tokens_no_replace BEFORE INSERT ON runseal_spent_tokens
  WHEN EXISTS (SELECT 1 FROM runseal_spent_tokens WHERE scope = NEW.scope AND token = NEW.token)
  BEGIN SELECT RAISE(ABORT, 'runseal_spent_tokens is append-only'); END;

CREATE TRIGGER runseal_spent_tokens_no_update BEFORE UPDATE ON runseal_spent_tokens
  BEGIN SELECT RAISE(ABORT, 'runseal_spent_tokens is append-only'); END;

CREATE TABLE runseal_spent_tokens (
  scope TEXT NOT NULL,
  token TEXT NOT NULL,
  stream TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, token)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER runseal_versions_no_delete BEFORE DELETE ON runseal_versions
  BEGIN SELECT RAISE(ABORT, 'runseal_versions is append-only'); END;

CREATE TRIGGER runseal_versions_no_replace BEFORE INSERT ON runseal_versions
  WHEN EXISTS (SELECT 1 FROM runseal_versions WHERE scope = NEW.scope AND session_id = NEW.session_id AND version = NEW.version)
  BEGIN SELECT RAISE(ABORT, 'runseal_versions is append-only'); END;

CREATE TRIGGER runseal_versions_no_update BEFORE UPDATE ON runseal_versions
  BEGIN SELECT RAISE(ABORT, 'runseal_versions is append-only'); END;

CREATE TABLE runseal_versions (
  scope TEXT NOT NULL,
  session_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  runbook_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, session_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE runseal_workers (
  worker_id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  -- lists as canonical text, null = all
  queues TEXT,
  scopes TEXT,
  concurrency INTEGER NOT NULL,
  active INTEGER NOT NULL,
  build TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  alive_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
