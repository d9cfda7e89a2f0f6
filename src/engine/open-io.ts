import type { AttemptOf } from "./attempt-of.js";
import type { EngineParts } from "./parts.js";
import type { IoProvider } from "../io/provider.js";
import type { JsonObject, JsonValue } from "../json/value.js";
import type { OpenRouter } from "../io/router.js";
import { LiveIo } from "../io/live-io.js";
import { revealSecret } from "./reveal-secret.js";
import { transportRouter } from "../io/router.js";

/** An instance without transports. */
const NO_ROUTER = transportRouter({});

/**
 * The world of one attempt.
 *
 * @param use - throws when the attempt has ended: what was asked for before that and comes back later is not recorded
 */
export function openIo(parts: EngineParts, attemptOf: AttemptOf, use: (call: string) => void): IoProvider {
  const { step, attempt, record } = attemptOf;
  const at = { stepId: step.id, attempt };
  if (parts.openIo !== undefined) return parts.openIo(at, record.facts);
  const recordFact = async (key: string, payload: JsonValue, meta: JsonObject): Promise<void> => {
    use("fact");
    await record.recordFact(key, payload, meta);
  };
  return new LiveIo(at, record.facts, recordFact, {
    now: () => parts.env.now(),
    entropy: (length) => parts.env.entropy(length),
    uuid: () => parts.env.uuid(),
    ask: askRouter(parts, attemptOf),
  });
}

function askRouter(parts: EngineParts, attemptOf: AttemptOf): (namespace: string, request: JsonValue) => Promise<JsonValue> {
  const { scope, runId, step, attempt, signal } = attemptOf;
  let open: OpenRouter | undefined;
  const secret = (name: string): Promise<string> => revealSecret(parts, attemptOf, name);
  return (namespace, request) => {
    open ??= (parts.router ?? NO_ROUTER).open({ scope, runId, stepId: step.id, attempt, clock: parts.env });
    return open.call(request, { runId, stepId: step.id, attempt, namespace, signal: signal.signal, secret });
  };
}
