import { isRunsealError, RunsealError } from "../errors/error.js";

/** What a failed statement means for whoever asked. */
export interface SqlFailure {
  /** `before`: nothing was done, ask again. `unknown`: the connection was lost, it may have been done. `final`: asking again is no use. */
  readonly kind: "before" | "unknown" | "final";
  readonly error: RunsealError;
}

/** Errors of the socket, and of `pg` where a connection ends under a statement. */
const LOST_CODES = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ENETRESET", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"]);
const REFUSED_CODES = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ENOENT"]);
const LOST_MESSAGE =
  /connection terminated|connection ended|client has encountered a connection error|client was closed|not queryable/i;

/** State of a connection that could not be made: nothing was done. */
export const NOT_CONNECTED = "08001";

/** What a server says that takes nobody: nothing was done. */
const REFUSED_STATES = new Set([NOT_CONNECTED, "08004", "57P03"]);

/** Where a table of ours says that it only grows, an append that it does not continue, and a message that it is not there, a session that is none. */
const APPEND_ONLY = "RS001";
const NOT_CHAINED = "RS002";
const NOT_IN_INBOX = "RS003";
const OTHER_BACKEND = "RS004";

/**
 * Reads what `pg` threw: what it means, and the error to show. Errors of this package pass through as final.
 *
 * @param call - the port's method, for the reader of the message
 */
export function sqlFailure(thrown: unknown, call: string): SqlFailure {
  if (isRunsealError(thrown)) return { kind: kindOf(thrown), error: thrown };
  const state = stateOf(thrown);
  const cause = { cause: thrown };
  const said = messageOf(thrown);
  if (state !== undefined) return byState(state, said, call, thrown, cause);
  if (LOST_MESSAGE.test(said)) return lost("unknown", said, call, null, cause);
  return {
    kind: "final",
    error: new RunsealError("store.failed", `PostgreSQL could not do "${call}": ${said}`, { call }, cause),
  };
}

/** Of our own errors, only a lost connection is worth another try. */
function kindOf(error: RunsealError): SqlFailure["kind"] {
  if (!isRunsealError(error, "store.connection_lost")) return "final";
  const { sqlState } = error.details;
  return sqlState !== null && (REFUSED_CODES.has(sqlState) || REFUSED_STATES.has(sqlState)) ? "before" : "unknown";
}

function byState(state: string, said: string, call: string, thrown: unknown, cause: ErrorOptions): SqlFailure {
  if (LOST_CODES.has(state)) return lost("unknown", said, call, state, cause);
  if (REFUSED_CODES.has(state)) return lost("before", said, call, state, cause);
  const failed = (kind: SqlFailure["kind"], error: RunsealError): SqlFailure => ({ kind, error });
  const detail = { call, sqlState: state };
  switch (state) {
    case "08000":
    case "08003":
    case "08006":
    case "08007":
    case "57P01":
    case "57P02":
    case "57P05":
      return lost("unknown", said, call, state, cause);
    case "08001":
    case "08004":
    case "57P03":
      return lost("before", said, call, state, cause);
    case "40001":
    case "40P01":
    case "55P03":
    // somebody else was first: looking again says what with
    case "23505":
      return failed("before", new RunsealError("store.contention", `others held what "${call}" wanted: ${said}`, detail, cause));
    case "53300":
      return failed("before", new RunsealError("store.too_many_connections", TOO_MANY, detail, cause));
    case "53100":
      return failed(
        "final",
        new RunsealError("store.full", "the disk of the database is full; make room and try again", { call }, cause),
      );
    case "53200":
      return failed("final", new RunsealError("store.out_of_memory", OUT_OF_MEMORY, detail, cause));
    case "54000":
    case "54001":
      return failed(
        "final",
        new RunsealError("store.too_complex", `what "${call}" was given is too complex: ${said}`, detail, cause),
      );
    case "22P02":
    case "22P05":
    case "22021":
      return failed(
        "final",
        new RunsealError("store.not_storable", `PostgreSQL can't keep a value of "${call}": ${said}`, detail, cause),
      );
    case "25P02":
    case "25P03":
      return failed(
        "final",
        new RunsealError("store.transaction_lost", `the transaction of "${call}" is over: ${said}`, detail, cause),
      );
    case "25006":
      return failed(
        "final",
        new RunsealError("store.read_only", `the database takes no writes: ${said}; connect to the primary`, detail, cause),
      );
    case "42501":
      return failed(
        "final",
        new RunsealError("store.permission", `the role may not do "${call}": ${said}; see docs/postgres.md`, detail, cause),
      );
    case "3F000":
    case "42P01":
    case "42703":
    case "42883":
      return failed(
        "final",
        new RunsealError("store.schema_mismatch", `${said}; bring the schema up to date with migrate()`, detail, cause),
      );
    case "57014":
      return failed("final", new RunsealError("store.canceled", `"${call}" was canceled: ${said}`, detail, cause));
    case APPEND_ONLY:
      return failed(
        "final",
        new RunsealError("store.append_only", `${said}; nothing in it is changed or deleted`, { table: tableOf(said) }, cause),
      );
    case NOT_CHAINED:
      return failed("final", notChained(thrown, cause));
    case OTHER_BACKEND:
      return failed(
        "final",
        new RunsealError("lock.pooler_unsupported", `${said}; connect past the pooler`, { reason: said }, cause),
      );
    case NOT_IN_INBOX:
      return failed("final", new RunsealError("internal.invariant", said, { rule: said }, cause));
    default:
      return failed(
        "final",
        new RunsealError("store.failed", `PostgreSQL could not do "${call}": ${said} (${state})`, { call }, cause),
      );
  }
}

const TOO_MANY = "the server has no connection left; raise max_connections, or make the pools smaller";
const OUT_OF_MEMORY = "the server is out of (shared) memory; raise max_locks_per_transaction, or lock less";

function lost(kind: "before" | "unknown", said: string, call: string, state: string | null, cause: ErrorOptions): SqlFailure {
  const message = `the connection to PostgreSQL was lost during "${call}": ${said}`;
  return { kind, error: new RunsealError("store.connection_lost", message, { call, sqlState: state }, cause) };
}

function notChained(thrown: unknown, cause: ErrorOptions): RunsealError<"store.corrupt"> {
  const { stream, seq } = JSON.parse(memberOf(thrown, "detail") ?? "{}") as { readonly stream?: string; readonly seq?: number };
  const message = `the event at ${seq} does not continue "${stream}"`;
  return new RunsealError("store.corrupt", message, { what: "event", id: stream ?? "", seq: seq ?? null }, cause);
}

function tableOf(said: string): string {
  return /^(\w{1,64}) is append-only/.exec(said)?.[1] ?? "";
}

/** The SQLSTATE, or the code of a system call. */
export function stateOf(thrown: unknown): string | undefined {
  return memberOf(thrown, "code");
}

function messageOf(thrown: unknown): string {
  return memberOf(thrown, "message") ?? "no reason given";
}

function memberOf(thrown: unknown, member: string): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const value: unknown = Reflect.get(thrown, member);
  return typeof value === "string" ? value : undefined;
}
