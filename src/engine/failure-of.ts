import type { Failure, FailureCategory } from "../model/failure.js";
import { redactText } from "../secrets/redact.js";
import { wellFormed } from "./well-formed.js";

/** What a handler threw, as it is recorded, and whether the handler itself said that trying again helps. */
export interface ThrownFailure extends Failure {
  readonly isExplicit: boolean;
}

/** Takes secrets out of a text. */
type Clean = (text: string) => string;

/** Longest message that is recorded, in UTF-16 units. */
const MESSAGE_MAX = 2_000;

const CATEGORIES: ReadonlySet<string> = new Set<FailureCategory>([
  "input",
  "network",
  "rate_limited",
  "storage",
  "context",
  "policy",
  "timeout",
  "canceled",
  "bug",
  "unknown",
]);
const NETWORK_CODE = /^(E[A-Z]*CONN[A-Z]*|ENOTFOUND|EAI_AGAIN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_[A-Z_]+)$/;
/** Codes of this package that say more than that a rule was broken. */
const OWN_CATEGORIES: ReadonlyMap<string | undefined, FailureCategory> = new Map<string | undefined, FailureCategory>([
  // the store was away for a call that a handler made through its context, or for its transaction: another attempt may find it back
  ["store.busy", "storage"],
  ["store.failed", "storage"],
  ["store.full", "storage"],
  ["store.connection_lost", "storage"],
  ["store.outcome_unknown", "storage"],
  ["store.contention", "storage"],
  ["store.too_many_connections", "storage"],
  ["store.pool_exhausted", "storage"],
  ["store.out_of_memory", "storage"],
  ["store.transaction_timeout", "timeout"],
  ["io.unreachable", "network"],
  ["io.timeout", "timeout"],
  ["io.canceled", "canceled"],
  ["exec.timeout", "timeout"],
  ["exec.failed", "unknown"],
]);
const OWN_CODE = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/;
/** Trying again does not help against these. */
const HOPELESS: ReadonlySet<FailureCategory> = new Set<FailureCategory>(["input", "policy", "context", "canceled", "bug"]);

/**
 * Turns whatever a handler threw into a failure: redacted, bounded, without a stack, without running the value's code twice.
 *
 * `code`, `category` and `retryable` of an error are taken where they have the right shape. Never throws: getters that do, proxies,
 * cycles and things that are no errors come out as a message that says so.
 */
export function failureOf(thrown: unknown, clean: Clean = redactText): ThrownFailure {
  const ownCode = textOf(read(thrown, "code"));
  const name = textOf(read(thrown, "name"));
  const ownCategory = textOf(read(thrown, "category"));
  const ownRetryable = read(thrown, "retryable");
  const category = isCategory(ownCategory) ? ownCategory : categoryOf(name, ownCode);
  const isExplicit = typeof ownRetryable === "boolean";
  return {
    code: ownCode !== undefined && OWN_CODE.test(ownCode) && ownCode.length <= 100 ? ownCode : "step.handler_threw",
    category,
    retryable: isExplicit ? ownRetryable : !HOPELESS.has(category),
    message: messageOf(thrown, name, clean),
    isExplicit,
  };
}

/** A text cut to {@link MESSAGE_MAX} and redacted, well-formed. */
export function boundedMessage(text: string, clean: Clean = redactText): string {
  // cleaned before it is cut: half a secret would not be found
  const whole = clean(text.slice(0, MESSAGE_MAX * 8));
  const cut = whole.length > MESSAGE_MAX ? `${whole.slice(0, MESSAGE_MAX)}…` : whole;
  // a cut may split a pair
  return wellFormed(cut);
}

function isCategory(text: string | undefined): text is FailureCategory {
  return text !== undefined && CATEGORIES.has(text);
}

function categoryOf(name: string | undefined, code: string | undefined): FailureCategory {
  if (name === "AbortError") return "canceled";
  if (name === "TimeoutError") return "timeout";
  if (name === "ReferenceError" || name === "SyntaxError") return "bug";
  if (name === "RunsealError") return OWN_CATEGORIES.get(code) ?? "policy";
  return code !== undefined && NETWORK_CODE.test(code) ? "network" : "unknown";
}

function messageOf(thrown: unknown, name: string | undefined, clean: Clean): string {
  if (typeof thrown === "string") return boundedMessage(thrown, clean);
  if (thrown === null || (typeof thrown !== "object" && typeof thrown !== "function")) return `threw ${String(thrown)}`;
  const message = textOf(read(thrown, "message"));
  if (message !== undefined && message !== "") return boundedMessage(message, clean);
  const parts = read(thrown, "errors");
  const first: unknown = Array.isArray(parts) ? read(parts, "0") : undefined;
  const inner = textOf(read(first, "message"));
  return boundedMessage(inner ?? `threw ${name ?? "a value that is not an error"}`, clean);
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Reads a member of anything; what its getter throws counts as absent. */
function read(value: unknown, member: string): unknown {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return undefined;
  try {
    return Reflect.get(value, member);
  } catch {
    return undefined;
  }
}
