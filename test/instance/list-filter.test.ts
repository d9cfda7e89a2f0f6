import { describe, expect, test } from "vitest";
import { createWorker } from "runseal";
import { compiled, openShop } from "./shop.js";

async function shopOfThree() {
  const { runseal } = openShop();
  const ids: string[] = [];
  for (const [order, labels] of [
    ["o-1", { customer: "c-1", vip: true }],
    ["o-2", { customer: "c-2" }],
    ["o-3", { customer: "c-1", __proto__: "x" }],
  ] as const) {
    const run = await runseal.submit((await compiled(runseal, "order.buy", { order, items: ["tea"] })).id, {
      labels,
      queue: order,
    });
    ids.push(run.runId);
  }
  return { runseal, ids };
}

describe("list", () => {
  test("takes one status or several, and finds runs by their labels, newest first", async () => {
    const { runseal, ids } = await shopOfThree();
    const listed = async (filter: Parameters<typeof runseal.list>[0]) => (await runseal.list(filter)).map(({ runId }) => runId);
    const newestFirst = [...ids].reverse();
    expect(await listed({ status: "queued" })).toEqual(newestFirst);
    expect(await listed({ status: ["running", "queued"] })).toEqual(newestFirst);
    expect(await listed({ status: "completed" })).toEqual([]);
    expect(await listed({ labels: { customer: "c-1" } })).toEqual([ids[2], ids[0]]);
    expect(await listed({ labels: { customer: "c-1" }, limit: 1 })).toEqual([ids[2]]);
    expect(await listed({ labels: { customer: "c-1", vip: true }, status: "queued" })).toEqual([ids[0]]);
    expect(await listed({ labels: { toString: "c-1" } })).toEqual([]);
    expect(await listed({ labels: {} })).toEqual(newestFirst);
    await createWorker(runseal, { queues: ["o-2"] }).tick();
    expect(await listed({ status: "completed", labels: { customer: "c-2" } })).toEqual([ids[1]]);
  });

  test("looks through page after page for labels", async () => {
    const { runseal } = openShop();
    const { id } = await compiled(runseal, "order.quoted", { item: "tea" });
    const first = await runseal.submit(id, { labels: { page: "last" } });
    const many = await runseal.compile({ name: "order.quoted", args: { item: "tea" } }, { uses: "many" });
    if (many.kind !== "compiled") throw new TypeError(many.kind);
    for (let n = 0; n < 1_001; n += 1) await runseal.submit(many.runbook.id, { dedupKey: `n-${n}` });
    expect((await runseal.list({ labels: { page: "last" } })).map(({ runId }) => runId)).toEqual([first.runId]);
  });

  test.each<readonly [filter: unknown, option: string]>([
    [null, "filter"],
    ["queued", "filter"],
    [{ status: "done" }, "status"],
    [{ status: ["queued", "done"] }, "status"],
    [{ status: 5 }, "status"],
    [{ limit: 0 }, "limit"],
    [{ limit: "5" }, "limit"],
    [{ queue: 5 }, "queue"],
    [{ labels: "x" }, "labels"],
    [{ labels: ["x"] }, "labels"],
    [{ label: { a: "x" } }, "label"],
  ])("refuses %j by name", async (filter, option) => {
    const { runseal } = openShop();
    await expect(runseal.list(filter as never)).rejects.toMatchObject({ code: "run.invalid_option", details: { option } });
  });
});
