/** Tables that only grow, beside `migrations`: what the log is made of. */
export const TRUTH_TABLES = [
  "streams",
  "event_rows",
  "artifacts",
  "spent_tokens",
  "runbooks",
  "documents",
  "versions",
  "inbox",
  "inbox_consumed",
] as const;

/** Tables that change: they can be computed again from the log, or are worth nothing once their process is gone (decision 4.4). */
export const PROJECTION_TABLES = ["heads", "lock_rows", "worker_rows"] as const;

/** Views for people and dashboards. */
export const VIEWS = ["runs", "steps", "events", "locks", "workers"] as const;

/** Functions that the views call with the rights of whoever reads them. */
export const VIEW_FUNCTIONS = ["as_time(bigint)", "as_json(text)", "held_locks()"] as const;

/** Functions that only the owner of the tables calls. */
export const OWNER_FUNCTIONS = ["drop_payloads(text, text)"] as const;
