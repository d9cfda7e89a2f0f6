import type { JsonObject, JsonValue } from "../json/value.js";
import { RunsealError } from "../errors/error.js";
import { canonicalizeJcs } from "../json/canonical-jcs.js";
import { isAbsolute } from "node:path";

/**
 * A request of {@link execTransport}: a program, and what it is given.
 *
 * The value of an environment variable may be a secret reference (`"secret:bank"`). Arguments may not: other users of the machine see them.
 */
export interface ExecRequest {
  /** Absolute path under an allowed place; or, with a resolver, `app`. */
  readonly program?: string;
  /** The name of an app that the transport's resolver turns into a path. */
  readonly app?: string;
  /** Arguments the author wrote: flags and subcommands. Default none. */
  readonly argv?: readonly string[];
  /** Arguments from outside: they follow a `--`, so that one that begins with a dash is no flag. Default none. */
  readonly operands?: readonly string[];
  /** Written to standard input as JSON; absent = nothing is written. */
  readonly stdin?: JsonValue;
  /** Added to the fixed environment; only names that the transport allows. */
  readonly env?: { readonly [name: string]: string };
  /** Milliseconds for everything: writing the input, running, reading the output. At most the transport's; default 300 000. */
  readonly timeoutMs?: number;
}

/** A request that was checked. */
export interface CheckedExec {
  readonly program: string | undefined;
  readonly app: string | undefined;
  readonly argv: readonly string[];
  readonly stdin: Buffer;
  readonly env: ReadonlyMap<string, string>;
  readonly timeoutMs: number;
}

const MEMBERS = ["program", "app", "argv", "operands", "stdin", "env", "timeoutMs"];
const APP = /^[A-Za-z0-9][A-Za-z0-9_.:/#@+-]{0,255}$/;
const ARGUMENTS_MAX = 1_000;

/**
 * Checks a request to run a program.
 *
 * @throws {@link RunsealError} `exec.request_invalid` naming the member that is wrong, never what it held
 */
export function checkExecRequest(
  request: JsonValue,
  limits: { readonly timeoutMs: number; readonly allowEnv: ReadonlySet<string> },
): CheckedExec {
  if (request === null || typeof request !== "object" || Array.isArray(request)) throw invalid("request", "must be an object");
  const fields = request as JsonObject;
  if (Object.keys(fields).some((name) => !MEMBERS.includes(name)))
    throw invalid("request", `takes ${MEMBERS.join(", ")} and nothing else`);
  const { program, app } = fields;
  if ((program === undefined) === (app === undefined)) throw invalid("program", "or an app must be given, and not both");
  if (app !== undefined && (typeof app !== "string" || !APP.test(app))) throw invalid("app", "must be the name of an app");
  if (program !== undefined && (typeof program !== "string" || !isAbsolute(program) || program.includes("\0"))) {
    throw invalid("program", "must be an absolute path");
  }
  const operands = textsOf("operands", fields["operands"] ?? []);
  return {
    program,
    app,
    argv: [...textsOf("argv", fields["argv"] ?? []), ...(operands.length === 0 ? [] : ["--", ...operands])],
    stdin: fields["stdin"] === undefined ? Buffer.alloc(0) : Buffer.from(canonicalizeJcs(fields["stdin"])),
    env: envOf(fields["env"] ?? {}, limits.allowEnv),
    timeoutMs: timeoutOf(fields["timeoutMs"], limits.timeoutMs),
  };
}

function textsOf(field: string, value: JsonValue): readonly string[] {
  if (!Array.isArray(value) || value.length > ARGUMENTS_MAX)
    throw invalid(field, `must be a list of at most ${ARGUMENTS_MAX} texts`);
  const items: readonly JsonValue[] = value;
  return items.map((item) => {
    if (typeof item !== "string") throw invalid(field, "must hold texts only; nothing is left out or converted");
    if (item.includes("\0")) throw invalid(field, "must not hold a NUL");
    return item;
  });
}

function envOf(value: JsonValue, allowed: ReadonlySet<string>): ReadonlyMap<string, string> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw invalid("env", "must be an object of texts");
  const env = new Map<string, string>();
  for (const [name, text] of Object.entries(value as JsonObject)) {
    if (!allowed.has(name)) throw invalid("env", 'names a variable that the transport\'s "allowEnv" does not');
    if (typeof text !== "string" || text.includes("\0")) throw invalid("env", "must hold texts without NUL");
    env.set(name, text);
  }
  return env;
}

function timeoutOf(given: JsonValue | undefined, maxMs: number): number {
  if (given === undefined) return maxMs;
  if (typeof given === "number" && Number.isSafeInteger(given) && given >= 1 && given <= maxMs) return given;
  throw invalid("timeoutMs", `must be whole milliseconds from 1 to ${maxMs}`);
}

function invalid(field: string, what: string): RunsealError<"exec.request_invalid"> {
  return new RunsealError("exec.request_invalid", `"${field}" of the request ${what}`, { field });
}
