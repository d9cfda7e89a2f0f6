import type { CheckedExec } from "./exec-request.js";
import type { JsonValue } from "../json/value.js";
import type { ProcessEnd } from "./process.js";
import type { TransportCall, TransportFactory } from "./transport.js";
import { RunsealError } from "../errors/error.js";
import { allowedPlace, allowedProgram } from "./allowed-program.js";
import { checkExecRequest } from "./exec-request.js";
import { copyCanonical } from "../json/copy.js";
import { isAbsolute } from "node:path";
import { openDeadline } from "./deadline.js";
import { runProcess } from "./process.js";
import { secretNameOf } from "../secrets/reference.js";

/** Turns the name of an app into the absolute path of its program: looks it up, fetches it, builds it. */
export type ProgramResolver = (
  app: string,
  at: { readonly runId: string; readonly stepId: string; readonly signal: AbortSignal },
) => Promise<string>;

/** Settings of {@link execTransport}. */
export interface ExecTransportOptions {
  /** Absolute paths of folders whose programs may run, or of single programs. Links are followed before they are compared. */
  readonly allow: readonly string[];
  /** The environment of every program. Default empty: nothing of this process's environment is passed on. */
  readonly fixedEnv?: { readonly [name: string]: string };
  /** Names of variables that a request may set. Default none. */
  readonly allowEnv?: readonly string[];
  /** Names of secrets that a request may use although the step's sealed arguments don't hold a reference to them. Default none. */
  readonly secrets?: readonly string[];
  /** Where programs run. Default `"/"`. */
  readonly cwd?: string;
  /** Longest and default time of one call, milliseconds. Default 300 000. */
  readonly timeoutMs?: number;
  /** Time that a program has to end after SIGTERM before its group gets SIGKILL, milliseconds. Default 2 000. */
  readonly killGraceMs?: number;
  /** Largest input, output and error output, each. Default 1 MiB. */
  readonly bytesMax?: number;
  /** Answers requests that name an `app`. What it gives must lie under `allow` too. Default: such requests are refused. */
  readonly resolver?: ProgramResolver;
}

interface ExecRules {
  readonly allow: readonly string[];
  readonly fixedEnv: { readonly [name: string]: string };
  readonly allowEnv: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly cwd: string;
  readonly timeoutMs: number;
  readonly killGraceMs: number;
  readonly bytesMax: number;
  readonly resolver: ProgramResolver | undefined;
}

/**
 * Makes a transport that runs programs of this machine: JSON in, JSON out (D-086).
 *
 * A request is an {@link ExecRequest}; the response is `{ stdout }`, the JSON that the program wrote. There is no shell, no search
 * path and no environment but the one given here; only programs under `allow` run, each in a process group of its own that is gone
 * when the call ends.
 *
 * The call throws {@link RunsealError} with a code of `exec.*`, or `io.canceled`. None repeats request or output;
 * `exec.failed` names program, exit code and signal.
 *
 * @throws {@link RunsealError} `instance.misconfigured` for a setting that can't be right
 */
export function execTransport(options: ExecTransportOptions): TransportFactory {
  const rules = execRules(options);
  return ({ clock }) => ({
    async call(request, at) {
      const checked = checkExecRequest(request, rules);
      const { timeoutMs, stdin } = checked;
      const { bytesMax } = rules;
      if (stdin.length > bytesMax) {
        const message = `the input of the program has ${stdin.length} bytes, more than ${bytesMax}`;
        throw new RunsealError("exec.stdin_too_large", message, { bytes: stdin.length, bytesMax });
      }
      const timedOut = (): RunsealError =>
        new RunsealError("exec.timeout", `the program did not end within ${timeoutMs} ms and was stopped`, { timeoutMs });
      const deadline = openDeadline(clock, at.signal, timeoutMs, { timedOut });
      try {
        const ready = await Promise.race([prepare(checked, rules, at), deadline.passed]);
        const end = await runProcess({ ...ready, stdin, ...limitsOf(rules) }, clock, deadline.signal);
        return deadline.signal.aborted ? await deadline.passed : responseOf(end, ready.program, bytesMax);
      } finally {
        deadline.close();
      }
    },
  });
}

function limitsOf(rules: ExecRules): { readonly cwd: string; readonly outputBytesMax: number; readonly killGraceMs: number } {
  return { cwd: rules.cwd, outputBytesMax: rules.bytesMax, killGraceMs: rules.killGraceMs };
}

async function prepare(
  checked: CheckedExec,
  rules: ExecRules,
  at: TransportCall,
): Promise<{ readonly program: string; readonly argv: readonly string[]; readonly env: { readonly [name: string]: string } }> {
  const program = await allowedProgram(checked.program ?? (await resolved(checked.app ?? "", rules, at)), rules.allow);
  const env: Record<string, string> = { ...rules.fixedEnv };
  for (const [name, value] of checked.env) {
    const secret = secretNameOf(value);
    env[name] = secret === undefined ? value : await at.secret(rules.secrets.has(secret) ? secret : value);
  }
  return { program, argv: checked.argv, env };
}

async function resolved(app: string, rules: ExecRules, at: TransportCall): Promise<string> {
  const { runId, stepId, signal } = at;
  if (rules.resolver === undefined) {
    throw new RunsealError("exec.request_invalid", '"app" of the request needs a resolver, and the transport has none', {
      field: "app",
    });
  }
  const found: unknown = await rules.resolver(app, { runId, stepId, signal });
  if (typeof found === "string" && isAbsolute(found) && !found.includes("\0")) return found;
  throw new RunsealError("exec.program_missing", "the resolver gave no absolute path for the app", {});
}

function responseOf(end: ProcessEnd, program: string, bytesMax: number): JsonValue {
  if (end.kind === "not_started") {
    throw new RunsealError("exec.spawn_failed", `the program could not be started: ${end.reason}`, { reason: end.reason });
  }
  const { exitCode, signal, stdout, stderr, stdinFault } = end;
  if (exitCode !== 0) {
    const how = signal === null ? `with exit code ${exitCode ?? "unknown"}` : `by ${signal}`;
    throw new RunsealError("exec.failed", `"${program}" ended ${how}`, { program, exitCode, signal });
  }
  if (stdinFault !== null) {
    throw new RunsealError("exec.stdin_write_failed", `the program's input could not be written: ${stdinFault}`, {
      reason: stdinFault,
    });
  }
  if (stdout.isCut) {
    const message = `the program wrote ${stdout.total} bytes, more than ${bytesMax}`;
    throw new RunsealError("exec.stdout_too_large", message, { bytes: stdout.total, bytesMax });
  }
  if (stderr.isCut) {
    const message = `the program wrote ${stderr.total} bytes of error output, more than ${bytesMax}`;
    throw new RunsealError("exec.stderr_too_large", message, { bytes: stderr.total, bytesMax });
  }
  return { stdout: jsonOf(stdout.bytes) };
}

function jsonOf(bytes: Buffer): JsonValue {
  try {
    return copyCanonical(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    // the parser's message would repeat the output
    throw new RunsealError("exec.stdout_invalid_json", "what the program wrote is not JSON of the value model", {
      bytes: bytes.length,
    });
  }
}

function execRules(options: ExecTransportOptions): ExecRules {
  const { cwd = "/" } = options;
  if (!isAbsolute(cwd)) throw misconfigured('"cwd" of the exec transport must be an absolute path');
  if (!Array.isArray(options.allow) || options.allow.length === 0)
    throw misconfigured('"allow" of the exec transport names no place');
  const allowEnv = new Set(options.allowEnv ?? []);
  const fixedEnv = { ...options.fixedEnv };
  for (const name of [...allowEnv, ...Object.keys(fixedEnv)]) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name))
      throw misconfigured("the exec transport names a variable that can't be one");
  }
  return {
    allow: options.allow.map(allowedPlace),
    fixedEnv,
    allowEnv,
    secrets: new Set(options.secrets ?? []),
    cwd,
    timeoutMs: bounded("timeoutMs", options.timeoutMs ?? 300_000, 1, 86_400_000),
    killGraceMs: bounded("killGraceMs", options.killGraceMs ?? 2_000, 0, 60_000),
    bytesMax: bounded("bytesMax", options.bytesMax ?? 1_048_576, 1, 67_108_864),
    resolver: options.resolver,
  };
}

function bounded(option: string, value: number, min: number, max: number): number {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw misconfigured(`"${option}" of the exec transport must be a whole number from ${min} to ${max}`);
}

function misconfigured(message: string): RunsealError<"instance.misconfigured"> {
  return new RunsealError("instance.misconfigured", message, { option: "io" });
}
