-- Schema 4 of the embedded store: which workers there are. Nothing depends on it: the table can be emptied at any time.

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
