import { z } from "zod";
import { describe, expect, test } from "vitest";
import { allowAll, createCatalog, createRunseal, createWorker, defineMacro, defineVerb, memoryStores } from "runseal";
import type { Park, StepContext } from "runseal";
import { manualClock, waitForPark } from "runseal/testing";
import { until } from "../kill/until.js";

const poll = defineVerb({
  name: "site.poll",
  version: 1,
  effect: "read",
  mode: "durable",
  args: z.object({ site: z.string() }),
  result: z.object({ site: z.string() }),
});
const watchSite = defineMacro({
  name: "site.watch",
  version: 1,
  params: z.object({ site: z.string() }),
  body: ({ params, step }) => ({ site: step("poll", poll, { site: params.site }).result.site }),
});
const later = defineVerb({
  name: "site.later",
  version: 1,
  effect: "read",
  args: z.object({ site: z.string() }),
  result: z.object({ site: z.string() }),
});
const sites = createCatalog({ verbs: [poll], macros: [watchSite] });
const newerSites = createCatalog({ verbs: [poll, later], macros: [watchSite] });

type Poll = (args: { site: string }, ctx: StepContext) => Promise<{ site: string } | Park>;

function openSites(options: { readonly run: Poll; readonly stores?: ReturnType<typeof memoryStores> }) {
  const clock = manualClock();
  const stores = options.stores ?? memoryStores({ clock });
  const handlers = { "site.poll": options.run };
  return { clock, stores, runseal: createRunseal({ catalog: sites, handlers, policy: allowAll(), clock, stores }) };
}

async function submitted(runseal: ReturnType<typeof openSites>["runseal"], site: string) {
  const outcome = await runseal.compile({ name: "site.watch", args: { site } }, { intent: site });
  if (outcome.kind !== "compiled") throw new TypeError(JSON.stringify(outcome));
  return runseal.submit(outcome.runbook.id);
}

/** Parks once for a minute, then answers. */
const parksOnce: Poll = async ({ site }, ctx) => ctx.park({ until: (await ctx.now()) + 60_000, otherwise: { site } });

describe("holding (decision 3.3a)", () => {
  test("timers and messages of runs that were started wait until they are let go; queued runs start", async () => {
    const { clock, runseal } = openSites({ run: parksOnce });
    const [first, second] = [await submitted(runseal, "one"), await submitted(runseal, "two")];
    await createWorker(runseal).tick();
    await waitForPark(first, "awaiting_signal");
    const parked = await waitForPark(second, "awaiting_signal");
    const worker = createWorker(runseal, { pollMs: 1_000 });
    worker.start({ resume: "hold" });
    const third = await submitted(runseal, "three");
    await runseal.signal(second.runId, String(parked.key), { site: "said" });
    await until(async () => (await third.status()).status === "parked");
    await clock.advance(61_000);
    expect((await third.status()).status).toBe("parked");
    expect((await first.status()).status).toBe("parked");
    expect((await second.status()).status).toBe("parked");
    worker.start({ resume: "now" });
    await until(async () => (await runseal.list({ status: ["completed"] })).length === 3);
    expect((await first.status()).output).toEqual({ site: "one" });
    expect((await second.status()).output).toEqual({ site: "said" });
    await worker.drain();
  });

  test("the runs of a dead worker wait too, in every scope", async () => {
    const clock = manualClock();
    const dead = new Set<string>();
    const stores = memoryStores({ clock, ownerAlive: (owner) => !dead.has(owner) });
    const never: Poll = () => new Promise(() => undefined);
    const gone = createRunseal({
      catalog: sites,
      handlers: { "site.poll": never },
      policy: allowAll(),
      clock,
      stores,
      scope: "tenant",
    });
    const run = await submitted(gone, "one");
    createWorker(gone).start();
    await until(async () => (await run.status()).status === "running");
    dead.add(stores.owner);
    const heirStores = memoryStores({ sharedWith: stores });
    const answers: Poll = async ({ site }) => ({ site });
    const heir = createRunseal({
      catalog: sites,
      handlers: { "site.poll": answers },
      policy: allowAll(),
      clock,
      stores: heirStores,
    });
    const worker = createWorker(heir, { scopes: "all" });
    worker.start({ resume: "hold" });
    await clock.advance(30_000);
    expect((await run.status()).epoch).toBe(1);
    worker.start();
    await until(async () => (await run.status()).status === "completed");
    expect((await run.status()).epoch).toBe(2);
    await worker.drain();
  });
});

describe("draining", () => {
  test("gives up after its grace what has not come to a boundary, and writes nothing more for it (reliability row 13)", async () => {
    const { clock, runseal, stores } = openSites({ run: () => new Promise(() => undefined) });
    const run = await submitted(runseal, "one");
    const worker = createWorker(runseal);
    worker.start();
    await until(async () => (await run.status()).steps.some(({ status }) => status === "entered"));
    const { seq } = await run.status();
    let isDrained = false;
    const drained = worker.drain({ graceMs: 5_000 }).then(() => {
      isDrained = true;
    });
    await clock.advance(4_999);
    expect([isDrained, worker.active]).toEqual([false, 1]);
    await clock.advance(1);
    await drained;
    expect([(await run.status()).seq, worker.active]).toEqual([seq, 0]);
    expect(await stores.workers.list()).toEqual([]);
    const late = await submitted(runseal, "two");
    await clock.advance(30_000);
    expect((await late.status()).status).toBe("queued");
  });
});

describe("two builds of a worker on one queue (decision 1.7)", () => {
  test("each takes what it can serve; what nobody serves stays queued behind nobody, and check tells it", async () => {
    const stores = memoryStores();
    const echo = async ({ site }: { site: string }) => ({ site });
    const older = createRunseal({ catalog: sites, handlers: { "site.poll": echo }, policy: allowAll(), stores });
    const newer = createRunseal({
      catalog: newerSites,
      handlers: { "site.poll": echo, "site.later": echo },
      policy: allowAll(),
      stores: memoryStores({ sharedWith: stores }),
    });
    const plan = await newer.compile({ name: "site.later", args: { site: "x" } }, { intent: "x", uses: "many" });
    if (plan.kind !== "compiled") throw new TypeError(JSON.stringify(plan));
    // more of them than a worker looks at once, all ahead of the one it can serve
    for (let count = 0; count < 30; count += 1) await newer.submit(plan.runbook.id, { priority: 1 });
    const served = await submitted(older, "one");
    expect(await createWorker(older, { concurrency: 2 }).tick()).toEqual({ taken: 1 });
    expect((await served.status()).status).toBe("completed");
    expect(await older.list({ status: ["queued"] })).toHaveLength(30);
    const found = await older.check();
    expect(found).toHaveLength(30);
    expect(found[0]).toMatchObject({ kind: "run", status: "queued", problems: [{ verb: "site.later@1" }] });
    expect(await newer.check()).toEqual([]);
    expect(await createWorker(newer, { concurrency: 30 }).tick()).toEqual({ taken: 30 });
    expect(await newer.list({ status: ["queued"] })).toEqual([]);
  });
});

describe("the list of workers", () => {
  test("names who works on what; one of them is the janitor and forgets those that are long gone", async () => {
    const { clock, runseal, stores } = openSites({ run: parksOnce });
    await stores.workers.beat({ ...ANY, workerId: "gone", owner: "gone" }, 1);
    await clock.advance(3_600_001);
    const worker = createWorker(runseal, { queues: ["a"], scopes: "all", concurrency: 3 });
    worker.start();
    await until(async () => (await stores.workers.list()).length === 1);
    const [row] = await stores.workers.list();
    expect(row).toMatchObject({ owner: stores.owner, queues: ["a"], scopes: null, concurrency: 3, active: 0 });
    await clock.advance(20_000);
    const [later] = await stores.workers.list();
    expect(later?.lastSeenAt).toBe((row?.lastSeenAt ?? 0) + 20_000);
    await worker.drain();
    expect(await stores.workers.list()).toEqual([]);
  });
});

const ANY = { queues: null, scopes: null, concurrency: 1, active: 0, build: {} };
