-- Schema 3 of the embedded store: runs that wait are found scope by scope, so that scopes can take turns.

DROP INDEX runseal_heads_queued;
DROP INDEX runseal_heads_parked;
DROP INDEX runseal_heads_running;
CREATE INDEX runseal_heads_queued ON runseal_heads (scope, priority DESC, stream) WHERE status = 'queued';
CREATE INDEX runseal_heads_parked ON runseal_heads (scope, CASE WHEN pending > 0 THEN 0 ELSE wake_at END) WHERE status = 'parked';
CREATE INDEX runseal_heads_running ON runseal_heads (scope, lease_until) WHERE status = 'running';
