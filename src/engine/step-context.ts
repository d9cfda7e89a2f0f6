import type { AttemptOf } from "./attempt-of.js";
import type { ChildAnswer } from "./child-runs.js";
import type { EngineParts } from "./parts.js";
import type { IoCall } from "../model/io-call.js";
import type { IoProvider } from "../io/provider.js";
import type { Park, ParkOptions } from "../model/park.js";
import type { SealedStep } from "../model/step.js";
import type { ContextSchema, StepContext } from "../model/step-context.js";
import type { EntityRef } from "../model/write-set.js";
import { RunsealError } from "../errors/error.js";
import { copyCanonical } from "../json/copy.js";
import { emitEvents, emitProgress } from "./handler-events.js";
import { getArtifact, putArtifact } from "./handler-artifacts.js";
import { openIo } from "./open-io.js";
import { entityText } from "./prepare-step.js";
import { idempotencyKeyOf, signalKeyOf } from "./step-keys.js";
import { parkUntil } from "../model/park.js";
import { parseDuration } from "../time/duration.js";
import { revealSecret } from "./reveal-secret.js";
import { refuseSecretName } from "./keep-secret.js";
import { writeLine } from "./write-line.js";

/** A child that rests, and with it the step that waits for it. */
export type ChildRest = Extract<ChildAnswer, { readonly kind: "rests" }>;

/** A context and the engine's side of it. */
export interface OpenContext {
  readonly context: StepContext;
  /** Makes every later call of the context throw. */
  readonly close: () => void;
  /** What the handler declared to write, sorted: `kind:id`. */
  readonly declared: () => readonly string[];
  /** The child that the attempt waits for; `undefined` when it waits for none. */
  readonly rests: () => ChildRest | undefined;
}

/** Makes what a handler gets besides its arguments. */
export function openContext(parts: EngineParts, attemptOf: AttemptOf): OpenContext {
  const { scope, runId, step, attempt } = attemptOf;
  const declared = new Set<string>();
  let isOpen = true;
  let rests: ChildRest | undefined;
  const use = (call: string): void => {
    if (isOpen) return;
    const message = `ctx.${call} was called after attempt ${attempt} of "${step.id}" had ended`;
    throw new RunsealError("context.closed", message, { stepId: step.id, call });
  };
  /** What reaches beyond the transaction could be neither part of it nor taken back with it. */
  const useOutside = (call: string): void => {
    use(call);
    if (attemptOf.transaction === undefined) return;
    const message = `ctx.${call} can't be called by the transactional "${step.id}": what it does would be no part of the transaction`;
    throw new RunsealError("context.in_transaction", message, { stepId: step.id, call });
  };
  let provider: IoProvider | undefined;
  const io = (): IoProvider => (provider ??= openIo(parts, attemptOf, use));
  const { staged } = attemptOf;
  const members: Omit<StepContext, keyof typeof GETTERS> = {
    runId,
    stepId: step.id,
    attempt,
    writes(kind, id) {
      use("writes");
      if (!isSealed(attemptOf, { kind, id })) throw undeclared(step, kind, id);
      declared.add(`${kind}:${id}`);
    },
    park(options = {}) {
      useOutside("park");
      return parkFor(options, signalKeyOf(runId, step.id), parts.env.now());
    },
    async now() {
      use("now");
      return io().nowMs();
    },
    async random(length) {
      use("random");
      return io().entropy(length);
    },
    async uuid() {
      use("uuid");
      return io().uuid();
    },
    async fact<T>(key: string, ask: () => T | Promise<T>) {
      useOutside("fact");
      refuseSecretName(key, "a fact key", attemptOf.record.known);
      // what comes back is the record's copy of what `ask` gave
      return (await io().fact(key, ask)) as T;
    },
    io: {
      async call(call: IoCall) {
        useOutside("io.call");
        refuseSecretName(call.factKey, "a fact key", attemptOf.record.known);
        return io().call(call);
      },
    },
    get<T>(key: string, schema?: ContextSchema<T>) {
      use("get");
      return schema === undefined ? (staged.get(key) as T | undefined) : staged.read(key, schema);
    },
    has(key) {
      use("has");
      return staged.get(key) !== undefined;
    },
    set(key, value) {
      use("set");
      refuseSecretName(key, "a context key", attemptOf.record.known);
      staged.set(key, value);
    },
    delete(key) {
      use("delete");
      return staged.delete(key);
    },
    dump() {
      use("dump");
      return staged.dump();
    },
    async putArtifact(kind, bytes) {
      use("putArtifact");
      return putArtifact(parts, attemptOf, kind, bytes);
    },
    async getArtifact(id) {
      use("getArtifact");
      return getArtifact(parts, attemptOf, id);
    },
    async emit(name, payload) {
      use("emit");
      await emitEvents(parts, attemptOf, [{ name, payload }]);
    },
    async emitMany(events) {
      use("emitMany");
      await emitEvents(parts, attemptOf, events);
    },
    async child(runbookId, options) {
      useOutside("child");
      const answer = await attemptOf.children.call(step, runbookId, options.key);
      use("child");
      if (answer.kind === "ended") return answer.end;
      rests = answer;
      throw new RunsealError(
        "child.parked",
        `the child rests, and "${step.id}" with it: the handler is called again when it goes on`,
        {
          stepId: step.id,
        },
      );
    },
    async progress(done, total) {
      use("progress");
      await emitProgress(parts, attemptOf, done, total);
    },
    async secret(name) {
      use("secret");
      return revealSecret(parts, attemptOf, name);
    },
    log(message, fields = {}) {
      use("log");
      writeLine(parts, scope, { runId, stepId: step.id, message, fields });
    },
    ...(attemptOf.transaction !== undefined && { tx: attemptOf.transaction.handle }),
  };
  return {
    context: contextWith(members, attemptOf),
    close: () => {
      isOpen = false;
    },
    declared: () => [...declared].sort(),
    rests: () => rests,
  };
}

/** Two digests and a signal, which most handlers never ask for. */
class Answers {
  readonly #attemptOf: AttemptOf;

  constructor(attemptOf: AttemptOf) {
    this.#attemptOf = attemptOf;
  }

  idempotencyKey(): string {
    const { scope, keyRunId, step } = this.#attemptOf;
    return idempotencyKeyOf(scope, keyRunId, step.id);
  }

  signal(): AbortSignal {
    return this.#attemptOf.signal.signal;
  }

  signalKey(): string {
    const { runId, step } = this.#attemptOf;
    return signalKeyOf(runId, step.id);
  }
}

/** Where the getters find the answers of their context; they tell a handler nothing that the context does not. */
const ANSWERS = Symbol("answers");

interface Answering {
  readonly [ANSWERS]: Answers;
}

/** The same functions for every context: with getters of its own each would be a kind of object of its own, and cost more than the rest of it. */
const GETTERS = {
  idempotencyKey: {
    get(this: Answering): string {
      return this[ANSWERS].idempotencyKey();
    },
    enumerable: true,
  },
  signal: {
    get(this: Answering): AbortSignal {
      return this[ANSWERS].signal();
    },
    enumerable: true,
  },
  signalKey: {
    get(this: Answering): string {
      return this[ANSWERS].signalKey();
    },
    enumerable: true,
  },
};

function contextWith(members: Omit<StepContext, keyof typeof GETTERS>, attemptOf: AttemptOf): StepContext {
  Object.defineProperty(members, ANSWERS, { value: new Answers(attemptOf) });
  return Object.freeze(Object.defineProperties(members, GETTERS) as StepContext);
}

function isSealed({ step, late }: AttemptOf, entity: EntityRef): boolean {
  const text = entityText(entity);
  return [...step.writes, ...late].some((known) => entityText(known) === text);
}

function undeclared(step: SealedStep, kind: string, id: string): RunsealError<"write.undeclared"> {
  const message = `step "${step.id}" wants to write ${kind} "${id}", which its sealed write-set does not name`;
  return new RunsealError("write.undeclared", message, { stepId: step.id, kind, id });
}

/** It stands in the event that parks the step. */
const OTHERWISE_BYTES_MAX = 524_288;

function parkFor(options: ParkOptions, signalKey: string, now: number): Park {
  const { key = signalKey, until, otherwise } = options;
  if (typeof key !== "string" || key === "" || key.length > 256) {
    throw new RunsealError("run.invalid_option", "the key of a park is a text of 1 to 256 characters", { option: "key" });
  }
  if (until === undefined && otherwise !== undefined) {
    throw new RunsealError("run.invalid_option", "what a park comes to otherwise needs a time: give until", {
      option: "otherwise",
    });
  }
  if (until === undefined) return parkUntil(key, null);
  const at = typeof until === "number" ? until : now + parseDuration(until);
  if (!Number.isSafeInteger(at) || at < 0) {
    const message = `until ${String(until)} of a park is no time; give milliseconds since the epoch, or a duration such as "2h"`;
    throw new RunsealError("run.invalid_option", message, { option: "until" });
  }
  return otherwise === undefined
    ? parkUntil(key, at)
    : parkUntil(key, at, copyCanonical(otherwise, { bytesMax: OTHERWISE_BYTES_MAX }));
}
