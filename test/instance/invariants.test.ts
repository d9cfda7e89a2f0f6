import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  RunsealError,
  allowAll,
  canonicalize,
  createCatalog,
  createRunseal,
  defineMacro,
  defineVerb,
  digestOf,
  isRunsealError,
  memoryStores,
  runbookUuid,
} from "runseal";
import { waitForPark } from "runseal/testing";
import { parseLog } from "../golden/log-file.js";
import { compiled, openShop } from "./shop.js";

const echo = defineVerb({
  name: "text.echo",
  version: 1,
  effect: "pure",
  args: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
});
const say = (suffix: string) =>
  defineMacro({
    name: "text.say",
    version: 1,
    params: z.object({ text: z.string() }),
    body: ({ params, step, concat }) => ({ said: step("echo", echo, { text: concat(params.text, suffix) }).result.text }),
  });
const handlers = { "text.echo": async ({ text }: { text: string }) => ({ text }) };

describe("a sealed runbook (INV-1 to INV-4, INV-13)", () => {
  test("can't be changed after sealing, neither in memory nor in the store (A-002)", async () => {
    const { runseal, stores } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    expect(() => {
      Object.assign(runbook.steps[0] ?? {}, { verb: "other.verb@1" });
    }).toThrow(TypeError);
    expect(() => {
      Object.assign(runbook.content.core, { bindings: { x: 1 } });
    }).toThrow(TypeError);
    expect((await stores.runbooks.get("default", runbook.id))?.content).toEqual(runbook.content);
  });

  test("is named by the SHA-256 of its canonical content, in full; a UUID holds the first 128 bits (A-003, A-114)", async () => {
    const { runseal } = openShop();
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: ["tea"] });
    expect(runbook.id).toBe(`rb_${digestOf("runseal/runbook/1", runbook.content)}`);
    expect(runbookUuid(runbook.id).replaceAll("-", "").slice(0, 12)).toBe(runbook.id.slice(3, 15));
  });

  test("encodes to the same bytes after every round trip, for every runbook and event that was ever kept (A-004)", () => {
    const folder = join(import.meta.dirname, "../golden/v0");
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".jsonl"))) {
      const log = parseLog(readFileSync(join(folder, name), "utf8"));
      const text = canonicalize(log.runbook.content);
      expect(canonicalize(JSON.parse(text))).toBe(text);
      for (const event of log.events) expect(canonicalize(JSON.parse(event.payloadText))).toBe(event.payloadText);
    }
  });

  test("keeps what pinned it: limits in every audit, bindings, cursor, lookups; and no clock, session or person (A-013, A-021, A-062, A-111, A-112)", async () => {
    const { runseal } = openShop();
    const outcome = await runseal.compile(
      { name: "order.quoted", args: { item: "tea" } },
      {
        intent: "t",
        snapshotCursor: "lsn-7",
        session: { id: "s" },
        requestedBy: { subject: "omar" },
        now: "2026-01-01T00:00:00Z",
      },
    );
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const { core, macroAudits, lookups } = outcome.runbook.envelope;
    expect(core).toMatchObject({ snapshotCursor: "lsn-7", limits: { depthMax: 8, stepsMax: 500 } });
    expect(core.macroAudits).toHaveLength(macroAudits.length);
    expect(macroAudits.map((audit) => audit.limits)).toEqual(macroAudits.map(() => core.limits));
    expect(lookups).toMatchObject([{ path: "quote", verb: "price.quote@1", response: { cents: 21 } }]);
    for (const word of ["omar", "2026-01-01", '"s"']) expect(canonicalize(outcome.runbook.content)).not.toContain(word);
  });

  test("is replaced by a new one when its macro changes; the old one still runs, from the store, without the macro (A-014, X.5-2)", async () => {
    const stores = memoryStores();
    const open = (suffix: string) =>
      createRunseal({ catalog: createCatalog({ verbs: [echo], macros: [say(suffix)] }), handlers, stores, policy: allowAll() });
    const compileOf = async (suffix: string) => {
      const outcome = await open(suffix).compile({ name: "text.say", args: { text: "hi" } }, { intent: "t" });
      if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
      return outcome.runbook;
    };
    const [first, second] = [await compileOf("!"), await compileOf("?")];
    expect(second.id).not.toBe(first.id);
    const emptied = createRunseal({ catalog: createCatalog({ verbs: [echo] }), handlers, stores, policy: allowAll() });
    expect(await (await emptied.execute(first.id)).result()).toMatchObject({ status: "completed", output: { said: "hi!" } });
    expect(await (await emptied.execute(second.id)).result()).toMatchObject({ output: { said: "hi?" } });
  });

  test("refuses to run against a contract that has changed, naming the verb (decision 1.7)", async () => {
    const stores = memoryStores();
    const before = createRunseal({
      catalog: createCatalog({ verbs: [echo], macros: [say("!")] }),
      handlers,
      stores,
      policy: allowAll(),
    });
    const outcome = await before.compile({ name: "text.say", args: { text: "hi" } }, { intent: "t" });
    if (outcome.kind !== "compiled") throw new TypeError(outcome.kind);
    const changed = defineVerb({
      name: "text.echo",
      version: 1,
      effect: "pure",
      args: z.object({ text: z.string().max(9) }),
      result: z.object({ text: z.string() }),
    });
    const after = createRunseal({ catalog: createCatalog({ verbs: [changed] }), handlers, stores, policy: allowAll() });
    expect((await after.dryRun(outcome.runbook.id)).blockers.map((blocker) => blocker.code)).toEqual([
      "admission.contract_drift",
    ]);
    await expect(after.execute(outcome.runbook.id)).rejects.toMatchObject({
      code: "admission.contract_drift",
      details: { verb: "text.echo@1" },
    });
  });
});

describe("outcomes and errors as data (INV-7, A-008, A-030, A-031, A-151)", () => {
  test("every outcome survives JSON, and says what it is by its kind", async () => {
    const { runseal } = openShop();
    const outcomes = [
      await runseal.compile({ name: "order.buy", args: { order: "o-1", items: ["tea"] } }, { intent: "t" }),
      await runseal.compile({ name: "order.bye", args: {} }, { intent: "t" }),
      await runseal.compile({ name: "order.buy", args: { order: 5, itmes: [] } }, { intent: "t" }),
      await runseal.compile({ name: "order.buy", args: { order: "o-1", items: ["tea"] } }, { intent: "t", allowed: ["math.*"] }),
    ];
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["compiled", "clarification", "clarification", "compilation_error"]);
    for (const outcome of outcomes)
      expect(JSON.parse(JSON.stringify(outcome))).toEqual(JSON.parse(canonicalize(JSON.parse(JSON.stringify(outcome)))));
    const [, unknown, wrong] = outcomes;
    expect(JSON.stringify(unknown)).toContain("order.buy");
    if (wrong?.kind !== "clarification") throw new TypeError("a clarification");
    expect(wrong.missingFields.map((field) => [field.fieldName, field.reason])).toEqual(
      expect.arrayContaining([
        ["order", "wrong_type"],
        ["itmes", "unknown_argument"],
        ["items", "missing"],
      ]),
    );
  });

  test("an error is code, message and details; it is known by name and code, and keeps no stack in JSON", () => {
    const error = new RunsealError("run.not_found", 'there is no run "r"', { scope: "s", runId: "r" });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      code: "run.not_found",
      message: 'there is no run "r"',
      details: { scope: "s", runId: "r" },
    });
    expect(isRunsealError(error, "run.not_found")).toBe(true);
    expect(isRunsealError(error, "run.terminal")).toBe(false);
  });
});

describe("the status of a run (A-116, A-142, X7, X8)", () => {
  test("is a fold over numbered events: every state it passes, in the order of seq", async () => {
    const { runseal } = openShop();
    const submitted = await runseal.submit((await compiled(runseal, "order.deliver", { order: "o-1" })).id);
    const seen = [(await submitted.status()).status];
    const run = await runseal.resume(submitted.runId);
    const parked = await waitForPark(run);
    seen.push((await run.status()).status);
    await runseal.decide(run.runId, "confirm", { verdict: "approve", principal: { subject: "ines" }, payload: { note: "go" } });
    const shipping = await waitForPark(await runseal.resume(run.runId));
    await runseal.signal(run.runId, String(shipping.key), { parcel: "p" });
    await (await runseal.resume(run.runId)).result();
    seen.push((await run.status()).status);
    expect(seen).toEqual(["queued", "parked", "completed"]);
    expect(parked).toMatchObject({ reason: "human_gate", stepId: "confirm" });
    const seqs: number[] = [];
    for await (const event of run.events()) seqs.push(event.seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });
});

describe("callers without types", () => {
  test("what is no invocation is a clarification, what is no id is not found; nothing else escapes", async () => {
    const { runseal } = openShop();
    for (const invocation of [null, 5, {}, { name: Symbol("x") }]) {
      const outcome = await runseal.compile(invocation as never, { intent: "t" });
      expect(outcome).toMatchObject({ kind: "clarification", missingFields: [{ fieldName: "name", reason: "unknown_name" }] });
    }
    for (const id of [null, 5, {}, Symbol("x")]) {
      await expect(runseal.execute(id as never)).rejects.toMatchObject({ code: "runbook.not_found" });
      await expect(runseal.status(id as never)).rejects.toMatchObject({ code: "run.not_found" });
      await expect(runseal.resume(id as never)).rejects.toMatchObject({ code: "run.not_found" });
    }
  });
});
