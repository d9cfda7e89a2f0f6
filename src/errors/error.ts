/**
 * What each error code carries in `details`; the keys are the codes.
 *
 * Plain JSON only: the catalog of errors sits on the ground floor and speaks of every room, so it names things and imports
 * nothing. One paragraph per code stands in `docs/errors.md`.
 */
export interface ErrorDetails {
  // values and bytes
  "value.not_canonical": { readonly pointer: string; readonly found: string };
  "value.too_deep": { readonly pointer: string; readonly depthMax: number };
  "value.too_large": { readonly what: string; readonly bytes: number; readonly bytesMax: number };
  "secret.detected": { readonly pointer: string; readonly rule: string };

  // authoring
  "schema.not_describable": { readonly pointer: string; readonly found: string };
  "verb.invalid": { readonly verb: string; readonly field: string };
  "macro.invalid": { readonly macro: string; readonly field: string };
  "macro.symbolic_value_used": { readonly expression: string; readonly operation: string };
  "macro.duplicate_label": { readonly macro: string; readonly path: string };
  "macro.invalid_label": { readonly macro: string; readonly label: string };
  "macro.builder_closed": { readonly macro: string };
  "macro.async_body": { readonly macro: string };
  "macro.unknown_path": { readonly macro: string; readonly path: string };
  "macro.out_of_scope": { readonly macro: string; readonly reference: string };
  "macro.late_value": { readonly macro: string; readonly path: string; readonly expression: string };
  "macro.invalid_argument": { readonly macro: string; readonly path: string; readonly pointer: string };
  "pack.invalid": { readonly pack: string; readonly field: string };
  "catalog.duplicate": { readonly name: string };
  "catalog.unknown_reference": { readonly macro: string; readonly reference: string; readonly path: string };
  "catalog.cycle": { readonly cycle: readonly string[] };
  "catalog.late_value": { readonly macro: string; readonly path: string; readonly expression: string };

  // compiling
  "graph.duplicate_id": { readonly id: string };
  "graph.unknown_id": { readonly id: string };
  "compile.reexpansion_forbidden": { readonly call: string };
  "compile.refused": { readonly outcome: string; readonly reason: string };

  // instance
  "instance.misconfigured": { readonly option: string };
  "instance.closed": { readonly call: string };

  // admission
  "admission.contract_drift": { readonly verb: string; readonly sealed: string; readonly current: string | null };
  "admission.plan_stale": { readonly path: string; readonly was: string; readonly now: string };
  "admission.unauthenticated": { readonly call: string };
  "admission.approval_missing": { readonly runbookId: string; readonly needed: number; readonly present: number };
  "admission.approval_expired": { readonly runbookId: string; readonly expiredAt: number };
  "admission.approval_consumed": { readonly runbookId: string; readonly runId: string };
  "admission.approval_refused": { readonly runbookId: string; readonly reason: string };
  "admission.document_mismatch": { readonly runbookId: string; readonly viewed: string; readonly current: readonly string[] };
  "admission.handler_missing": { readonly verb: string };
  "admission.secret_unresolved": { readonly name: string };
  "admission.refused": { readonly blockers: readonly string[] };

  // runs
  "runbook.not_found": { readonly scope: string; readonly runbookId: string };
  "run.not_found": { readonly scope: string; readonly runId: string };
  "run.terminal": { readonly runId: string; readonly status: string };
  "run.dedup_conflict": { readonly dedupKey: string; readonly runId: string; readonly runbookId: string };
  "run.not_at_rest": { readonly runId: string; readonly status: string };
  "amend.not_possible": { readonly runId: string; readonly steps: readonly string[] };
  "undo.not_possible": {
    readonly runId: string;
    readonly steps: readonly { readonly stepId: string; readonly reason: string }[];
  };
  "run.not_completed": { readonly runId: string; readonly status: string; readonly reason: string | null };
  "run.invalid_option": { readonly option: string };
  "run.unsupported_event": { readonly runId: string; readonly seq: number; readonly kind: string; readonly v: number };
  "run.payload_dropped": { readonly runId: string; readonly seq: number; readonly kind: string };
  "replay.incomplete": { readonly runId: string; readonly seq: number };
  "manifest.not_found": { readonly runId: string; readonly manifestId: string | null };
  "manifest.corrupt": { readonly runId: string; readonly manifestId: string | null };
  "manifest.not_canonical": { readonly runId: string; readonly manifestId: string | null };
  "manifest.runbook_mismatch": { readonly runId: string; readonly manifestId: string | null };
  "manifest.config_mismatch": { readonly runId: string; readonly manifestId: string | null };
  "lease.stale": { readonly stream: string; readonly epoch: number; readonly currentEpoch: number };
  "lease.held": { readonly runId: string; readonly owner: string };
  "run.limited": {
    readonly runId: string;
    readonly queue: string;
    readonly label: string | null;
    readonly retryAt: number | null;
  };
  "lock.required": { readonly runbookId: string; readonly writeSetSize: number };
  "lock.contention": { readonly kind: string; readonly id: string; readonly holder: string | null; readonly waitedMs: number };
  "lock.lost": { readonly runId: string };
  "lock.pooler_unsupported": { readonly reason: string };
  "lock.not_ours": { readonly pid: number; readonly applicationName: string };
  "lock.too_many": { readonly locks: number; readonly locksMax: number };
  "write.undeclared": { readonly stepId: string; readonly kind: string; readonly id: string | null };
  "step.args_invalid": { readonly stepId: string; readonly issues: readonly string[] };
  "step.result_invalid": { readonly stepId: string; readonly issues: readonly string[] };
  "step.handler_threw": { readonly stepId: string };
  "step.timeout": { readonly stepId: string; readonly timeoutMs: number };
  "step.not_waiting": { readonly runId: string; readonly stepId: string };
  "step.not_in_doubt": { readonly runId: string; readonly stepId: string; readonly inDoubt: readonly string[] };
  "wait.timeout": { readonly stepId: string; readonly until: number };
  "decision.rejected": { readonly stepId: string; readonly by: string };
  "signal.conflict": { readonly runId: string; readonly key: string };
  "signal.invalid": { readonly runId: string; readonly key: string; readonly issues: readonly string[] };
  "signal.too_many": { readonly runId: string; readonly undeliveredMax: number };
  "child.refused": { readonly stepId: string };
  "child.conflict": { readonly key: string; readonly runId: string; readonly runbookId: string };
  "child.parked": { readonly stepId: string };
  "context.write_conflict": { readonly key: string; readonly steps: readonly string[] };
  "context.invalid_key": { readonly keyType: string };
  "context.deserialize_failed": { readonly key: string };
  "domain.event_invalid": { readonly field: string };
  "artifact.invalid": { readonly field: string };
  "artifact.not_found": { readonly artifactId: string };
  "context.in_transaction": { readonly stepId: string; readonly call: string };
  "context.closed": { readonly stepId: string; readonly call: string };

  // the world
  "io.invalid_fact_key": { readonly keyType: string };
  "io.fact_conflict": { readonly key: string };
  "io.missing_fact_key": { readonly stepId: string };
  "io.missing_fact": { readonly key: string };
  "io.unscripted": { readonly namespace: string };
  "io.unknown_namespace": { readonly namespace: string | null };
  "io.request_invalid": { readonly field: string };
  "io.request_too_large": { readonly bytes: number; readonly bytesMax: number };
  "io.url_refused": { readonly reason: string; readonly hop: number };
  "io.too_many_redirects": { readonly redirectsMax: number };
  "io.unreachable": { readonly reason: string };
  "io.response_too_large": { readonly bytesMax: number };
  "io.response_invalid": Readonly<Record<string, never>>;
  "io.timeout": { readonly timeoutMs: number };
  "io.canceled": Readonly<Record<string, never>>;

  "exec.request_invalid": { readonly field: string };
  "exec.program_not_allowed": Readonly<Record<string, never>>;
  "exec.program_missing": Readonly<Record<string, never>>;
  "exec.program_not_executable": Readonly<Record<string, never>>;
  "exec.spawn_failed": { readonly reason: string };
  "exec.stdin_write_failed": { readonly reason: string };
  "exec.stdin_too_large": { readonly bytes: number; readonly bytesMax: number };
  "exec.timeout": { readonly timeoutMs: number };
  "exec.failed": { readonly program: string; readonly exitCode: number | null; readonly signal: string | null };
  "exec.stdout_invalid_json": { readonly bytes: number };
  "exec.stdout_too_large": { readonly bytes: number; readonly bytesMax: number };
  "exec.stderr_too_large": { readonly bytes: number; readonly bytesMax: number };
  "secret.unresolved": { readonly name: string };
  "secret.not_sealed": { readonly stepId: string; readonly name: string };
  "secret.key_missing": { readonly keyId: string | null };
  "secret.key_wrong": { readonly keyId: string };

  // stores
  "store.conflict": { readonly stream: string; readonly expectedSeq: number; readonly actualSeq: number };
  "store.corrupt": { readonly what: string; readonly id: string; readonly seq: number | null };
  "store.append_only": { readonly table: string };
  "store.busy": { readonly waitedMs: number };
  "store.closed": { readonly call: string };
  "store.failed": { readonly call: string };
  "store.full": { readonly call: string };
  "store.in_transaction": { readonly call: string };
  "store.transaction_ended": { readonly call: string };
  "store.transaction_timeout": { readonly limitMs: number };
  "store.schema_newer": { readonly found: number; readonly supported: number };
  "store.schema_older": { readonly found: number; readonly supported: number };
  "store.schema_mismatch": { readonly call: string; readonly sqlState: string };
  "store.migration_changed": { readonly version: number; readonly name: string };
  "store.migration_breaking": { readonly version: number; readonly name: string };
  "store.connection_lost": { readonly call: string; readonly sqlState: string | null };
  "store.outcome_unknown": { readonly stream: string; readonly seq: number };
  "store.contention": { readonly call: string; readonly sqlState: string };
  "store.too_many_connections": { readonly call: string; readonly sqlState: string };
  "store.pool_exhausted": { readonly call: string; readonly waitedMs: number };
  "store.out_of_memory": { readonly call: string; readonly sqlState: string };
  "store.too_complex": { readonly call: string; readonly sqlState: string };
  "store.not_storable": { readonly call: string; readonly sqlState: string };
  "store.transaction_lost": { readonly call: string; readonly sqlState: string };
  "store.read_only": { readonly call: string; readonly sqlState: string };
  "store.permission": { readonly call: string; readonly sqlState: string };
  "store.canceled": { readonly call: string; readonly sqlState: string };
  "sqlite.driver_missing": { readonly node: string };

  // ours
  "internal.invariant": { readonly rule: string };
}

/** Every code a {@link RunsealError} can carry: `topic.what_is_wrong`. */
export type ErrorCode = keyof ErrorDetails;

/**
 * The one class this package throws.
 *
 * Branch with {@link isRunsealError}, never with `instanceof`: the ESM and the CJS copy of this class differ.
 */
export class RunsealError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "RunsealError";
  readonly code: C;
  readonly details: ErrorDetails[C];

  constructor(code: C, message: string, details: ErrorDetails[C], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  /** The error as plain JSON: code, message and details; never the stack, never the cause. */
  toJSON(): { readonly code: C; readonly message: string; readonly details: ErrorDetails[C] } {
    return { code: this.code, message: this.message, details: this.details };
  }
}

/**
 * Tells whether `value` is an error of this package, of the given code where one is named.
 *
 * Looks at name and code, so that it also holds for errors of another copy of the package (ESM beside CJS, two versions) and of
 * another realm. Never throws, whatever `value` is.
 */
export function isRunsealError(value: unknown): value is RunsealError;
export function isRunsealError<C extends ErrorCode>(value: unknown, code: C): value is RunsealError<C>;
export function isRunsealError(value: unknown, code?: ErrorCode): boolean {
  try {
    if (!isErrorOfAnyRealm(value) || value.name !== "RunsealError") return false;
    const found: unknown = "code" in value ? value.code : undefined;
    return typeof found === "string" && (code === undefined || found === code);
  } catch {
    // a getter or a Proxy that throws when it is looked at
    return false;
  }
}

/** `instanceof` would miss the errors of another realm, such as those of a test runner's sandbox. */
function isErrorOfAnyRealm(value: unknown): value is Error {
  return Object.prototype.toString.call(value) === "[object Error]";
}
