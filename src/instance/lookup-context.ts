import type { InstanceParts } from "./parts.js";
import type { IoProvider } from "../io/provider.js";
import type { LookupQuestion } from "./lookup-question.js";
import type { RecordedFact } from "../io/fact-book.js";
import type { StepContext } from "../model/step-context.js";
import { FactBook } from "../io/fact-book.js";
import { LiveIo } from "../io/live-io.js";
import { cleanValue, knownIn } from "../engine/keep-secret.js";
import { secretNameOf } from "../secrets/reference.js";
import { writeLine } from "../engine/write-line.js";
import { RunsealError } from "../errors/error.js";
import { digestOf } from "../json/digest.js";
import { transportRouter } from "../io/router.js";

const NO_ROUTER = transportRouter({});

/**
 * What the handler of a read verb gets while it answers a lookup: the world, and nothing of a run.
 *
 * Facts last as long as the call: the sealed answer is the record.
 */
export function lookupContext(parts: InstanceParts, question: LookupQuestion, signal: AbortSignal): StepContext {
  const { path } = question;
  const world = lookupIo(parts, path, signal);
  const refuse = (call: string) => (): never => {
    throw new RunsealError("context.closed", `"${call}" has no meaning in a lookup: it runs before there is a run`, {
      stepId: path,
      call,
    });
  };
  const refuseLater = (call: string) => async (): Promise<never> => refuse(call)();
  return {
    runId: "",
    stepId: path,
    attempt: 1,
    idempotencyKey: digestOf("runseal/lookup/1", { scope: parts.scope, path, verb: question.verb, args: question.args }),
    signal,
    signalKey: "",
    writes: refuse("writes"),
    park: refuse("park"),
    now: () => world.nowMs(),
    random: (length) => world.entropy(length),
    uuid: () => world.uuid(),
    fact: async <T>(key: string, ask: () => T | Promise<T>) => (await world.fact(key, ask)) as T,
    io: { call: (call) => world.call(call) },
    get: () => undefined,
    has: () => false,
    set: refuse("set"),
    delete: refuse("delete"),
    dump: () => ({}),
    putArtifact: refuseLater("putArtifact"),
    getArtifact: refuseLater("getArtifact"),
    emit: refuseLater("emit"),
    emitMany: refuseLater("emitMany"),
    child: refuseLater("child"),
    progress: refuseLater("progress"),
    secret: (name) => secretOf(parts, name),
    log: (message, fields) => {
      writeLine(parts.engine, parts.scope, { runId: "", stepId: path, message, fields: fields ?? {} });
    },
  };
}

function lookupIo(parts: InstanceParts, path: string, signal: AbortSignal): IoProvider {
  const { env, router } = parts.engine;
  const kept = new Map<string, RecordedFact>();
  const record = async (key: string, payload: RecordedFact["payload"]): Promise<void> => {
    kept.set(key, { seq: 0, ...(payload !== undefined && { payload }) });
  };
  const facts = new FactBook({ known: (key) => kept.get(key), load: async (fact) => fact.payload ?? null, record }, (payload) =>
    cleanValue(payload, knownIn(parts.engine, parts.scope)),
  );
  const at = { runId: "", stepId: path, attempt: 1 };
  const secret = (name: string): Promise<string> => secretOf(parts, name);
  const open = (router ?? NO_ROUTER).open({ ...at, scope: parts.scope, clock: env });
  return new LiveIo(at, facts, record, {
    now: () => env.now(),
    entropy: (length) => env.entropy(length),
    uuid: () => env.uuid(),
    ask: (namespace, request) => open.call(request, { ...at, namespace, signal, secret }),
  });
}

/** A lookup has no sealed arguments yet: only names that its handler knows are answered. */
async function secretOf({ engine, scope }: InstanceParts, name: string): Promise<string> {
  const isReference = typeof name === "string" && secretNameOf(name) !== undefined;
  if (engine.secrets !== undefined && !isReference) return engine.secrets.resolve(scope, name);
  throw new RunsealError("secret.unresolved", "a lookup gets secrets by the bare name that its handler knows", { name: "" });
}
