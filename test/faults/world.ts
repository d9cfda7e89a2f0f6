import { z } from "zod";
import { createCatalog, defineVerb, subject } from "runseal";
import type { StepContext } from "runseal";
import type { StoredEvent } from "../../src/model/event.js";
import type { StreamWrite } from "../../src/stores/event-store.js";

const account = subject("account", "write");
const text = z.string();

export const note = defineVerb({
  name: "world.note",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ account, say: text }),
  result: z.object({ noted: text }),
  retry: { attemptsMax: 6, baseMs: 20, maxMs: 50 },
});
export const book = defineVerb({
  name: "world.book",
  version: 1,
  effect: "write",
  recovery: "reconcile",
  args: z.object({ account, say: text }),
  result: z.object({ noted: text }),
});
export const pay = defineVerb({
  name: "world.pay",
  version: 1,
  timeout: "2s",
  effect: "write",
  recovery: "manual",
  args: z.object({ account, say: text }),
  result: z.object({ noted: text }),
});
export const look = defineVerb({
  name: "world.look",
  version: 1,
  effect: "read",
  args: z.object({ say: text }),
  result: z.object({ noted: text }),
});
export const join = defineVerb({
  name: "world.join",
  version: 1,
  effect: "pure",
  args: z.object({ parts: z.array(text) }),
  result: z.object({ noted: text }),
});
export const send = defineVerb({
  name: "world.send",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  mode: "durable",
  args: z.object({ account, say: text }),
  result: z.object({ noted: text }),
});
export const agree = defineVerb({
  name: "world.agree",
  version: 1,
  effect: "pure",
  mode: "human_gate",
  args: z.object({ say: text }),
  result: z.object({ noted: text }),
});

export const ask = defineVerb({
  name: "world.ask",
  version: 1,
  effect: "read",
  args: z.object({ say: text }),
  result: z.object({ noted: text }),
});

export const call = defineVerb({
  name: "world.call",
  version: 1,
  effect: "write",
  recovery: "idempotent",
  args: z.object({ first: account, second: account, child: text }),
  result: z.object({ noted: text }),
});

export const verbs = [call, note, book, pay, look, join, send, agree, ask];
export const worldCatalog = createCatalog({ verbs });

/** One call of a handler that touches the world. */
interface WorldCall {
  readonly stepId: string;
  readonly runId: string;
  readonly verb: string;
  readonly key: string;
}

/**
 * The outside, shared by every process of one play: it outlives crashes, remembers each effect by its idempotency key, and sees which
 * steps were durably completed when a handler is called.
 */
export class World {
  readonly calls: WorldCall[] = [];
  /** Effects that happened, by idempotency key: where the outside honours it, a second request changes nothing. */
  readonly effects = new Map<string, number>();
  readonly violations: string[] = [];
  readonly #completed = new Set<string>();
  /** Facts that are durable: nobody may ask for them again. */
  readonly #facts = new Set<string>();
  /** Calls of a step that fail before one succeeds, by step id; those of a payment never answer. */
  readonly #failing: Map<string, number>;

  constructor(failing: { readonly [stepId: string]: number } = {}) {
    this.#failing = new Map(Object.entries(failing));
  }

  /** Hears of every commit that went through. */
  committed(writes: readonly StreamWrite[]): void {
    for (const { stream, events } of writes) {
      for (const event of events as readonly Pick<StoredEvent, "kind" | "payloadText">[]) {
        if (event.kind === "fact.recorded") {
          const { key } = JSON.parse(event.payloadText) as { readonly key: string };
          this.#facts.add(`${stream}/${key}`);
        }
        if (event.kind !== "step.completed") continue;
        const { stepId } = JSON.parse(event.payloadText) as { readonly stepId: string };
        const step = `${stream}/${stepId}`;
        if (this.#completed.has(step)) this.violations.push(`${stepId} completed twice`);
        this.#completed.add(step);
      }
    }
  }

  /** Handlers of one process; `isAlive` false: it was killed, and its code does nothing more. */
  handlers(isAlive: () => boolean) {
    const act = async (
      verb: string,
      say: string,
      ctx: StepContext,
      times: "once" | "honours_key",
    ): Promise<{ noted: string }> => {
      if (!isAlive()) return new Promise(() => undefined);
      const key = ctx.idempotencyKey;
      const { stepId, runId } = ctx;
      this.calls.push({ stepId, runId, verb, key });
      if (this.#completed.has(`run/${runId}/${stepId}`)) this.violations.push(`${stepId} called after it was completed`);
      const left = this.#failing.get(stepId) ?? 0;
      if (times === "once") this.effects.set(key, (this.effects.get(key) ?? 0) + 1);
      else this.effects.set(key, 1);
      if (left > 0) {
        this.#failing.set(stepId, left - 1);
        if (verb === "pay") return new Promise(() => undefined);
        throw Object.assign(new TypeError("the line is busy"), { code: "net.busy" });
      }
      return { noted: say };
    };
    return {
      "world.note": ({ say }: { say: string }, ctx: StepContext) => act("note", say, ctx, "honours_key"),
      "world.book": {
        run: ({ say }: { say: string }, ctx: StepContext) => act("book", say, ctx, "once"),
        reconcile: async ({ say }: { say: string }, ctx: StepContext) =>
          this.effects.has(ctx.idempotencyKey)
            ? ({ kind: "done", result: { noted: say } } as const)
            : ({ kind: "not_done" } as const),
      },
      "world.pay": ({ say }: { say: string }, ctx: StepContext) => act("pay", say, ctx, "once"),
      "world.look": ({ say }: { say: string }, ctx: StepContext) => act("look", say, ctx, "honours_key"),
      "world.call": async ({ child }: { child: string }, ctx: StepContext) => {
        if (!isAlive()) return new Promise<never>(() => undefined);
        const end = await ctx.child(child, { key: "only" });
        return { noted: end.status };
      },
      "world.ask": async ({ say }: { say: string }, ctx: StepContext) => {
        await act("ask", say, ctx, "honours_key");
        const noted = await ctx.fact("answer", () => {
          if (this.#facts.has(`run/${ctx.runId}/answer`)) this.violations.push("a fact was asked for again");
          return `${say}!`;
        });
        await ctx.fact("second", () => "asked");
        return { noted };
      },
      "world.join": async ({ parts }: { parts: readonly string[] }) => ({ noted: parts.join("+") }),
      "world.send": async ({ say }: { say: string }, ctx: StepContext) => {
        await act("send", say, ctx, "honours_key");
        return ctx.park();
      },
    };
  }
}
