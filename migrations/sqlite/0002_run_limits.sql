-- Schema 2 of the embedded store: when a run started, so that a claim can count the starts of a queue.

ALTER TABLE runseal_heads ADD COLUMN started_at INTEGER;
UPDATE runseal_heads SET started_at = (
  SELECT e.at FROM runseal_events e
  WHERE e.scope = runseal_heads.scope AND e.stream = runseal_heads.stream AND e.kind = 'run.started'
  ORDER BY e.seq LIMIT 1
) WHERE status IS NOT NULL;
CREATE INDEX runseal_heads_started ON runseal_heads (queue, started_at) WHERE started_at IS NOT NULL;
CREATE INDEX runseal_heads_busy ON runseal_heads (queue) WHERE status = 'running';
