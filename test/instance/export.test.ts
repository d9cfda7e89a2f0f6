import { describe, expect, test } from "vitest";
import { verifyBundle } from "runseal";
import { stories } from "./bundles.js";
import { tamperable } from "./tampered-stores.js";
import { compiled, openShop } from "./shop.js";

const typesOf = (bundle: string): readonly string[] =>
  bundle
    .trimEnd()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly type: string }).type);

describe.each(Object.entries(stories))("the bundle of a run %s", (_, tell) => {
  test("is sound without a database, and says of the run what verify says (decision 3.17, D-061 to D-066)", async () => {
    const { runseal, runId, bundle, head, status } = await tell();
    const verdict = verifyBundle(bundle, { head });
    const { head: _head, ...onStore } = await runseal.verify(runId, { head });
    const { line: _line, ...onBundle } = { line: null, ...verdict };
    expect(onBundle).toEqual({
      ...onStore,
      scope: runseal.scope,
      runId,
      runbookId: (await runseal.status(runId)).runbookId,
      head: { seq: head.seq, hash: head.hash },
    });
    expect(verdict).toMatchObject({ isSound: true, integrity: "ok", completeness: "full", status, problems: [] });
  });

  test("has the same bytes each time, as one text, line by line, or as UTF-8", async () => {
    const { runseal, runId, bundle } = await tell();
    expect(await runseal.export(runId)).toBe(bundle);
    const lines: string[] = [];
    for await (const line of runseal.exportLines(runId)) lines.push(line);
    expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
    expect(lines.join("")).toBe(bundle);
    expect(verifyBundle(new TextEncoder().encode(bundle))).toEqual(verifyBundle(bundle));
  });
});

describe("a bundle", () => {
  test("holds the runbook, its approvals, the run's events, the artifacts that they name, and the inbox, in that order", async () => {
    const { bundle } = await (stories["completed, with approval and artifacts"] ?? never)();
    const types = typesOf(bundle);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual(["bundle", "runbook", "event", "artifact", "end"]);
    // the manifest, two large results and the output
    expect(types.filter((type) => type === "artifact")).toHaveLength(4);
    const parked = await (stories["parked, with messages in its inbox"] ?? never)();
    expect(typesOf(parked.bundle).slice(-3)).toEqual(["inbox", "inbox", "end"]);
  });

  test("of a run that the scope does not have is none", async () => {
    const { runseal } = openShop();
    await expect(runseal.export("nobody")).rejects.toMatchObject({ code: "run.not_found" });
    const told = await (stories["canceled before it started"] ?? never)();
    await expect(told.runseal.withScope("tenant-7").export(told.runId)).rejects.toMatchObject({ code: "run.not_found" });
  });

  test.each(tamperable)("of a damaged run on %s is refused; where an artifact is gone it says so", async (_, open) => {
    const tampered = await open();
    const { runseal } = openShop({ stores: tampered.stores });
    const runbook = await compiled(runseal, "order.buy", { order: "o-1", items: [] });
    const run = await runseal.execute(runbook.id);
    await run.result();
    const verdict = async () => verifyBundle(await runseal.export(run.runId));
    expect((await verdict()).isSound).toBe(true);
    const started = /\\"manifestId\\":\\"([0-9a-f]{64})/.exec(await runseal.export(run.runId))?.[1] ?? "";
    await tampered.replaceArtifact(started, new Uint8Array([1]));
    await expect(runseal.export(run.runId)).rejects.toMatchObject({ code: "store.corrupt" });
    await tampered.replaceArtifact(started, undefined);
    expect(await verdict()).toMatchObject({
      isSound: false,
      integrity: "ok",
      completeness: "partial",
      problems: [{ line: 5, seq: 3, rule: "manifest_missing" }],
    });
    await tampered.rewrite(`run/${run.runId}`, (events) => events.map((event) => ({ ...event, epoch: 7 })));
    await expect(runseal.export(run.runId)).rejects.toMatchObject({ code: "store.corrupt" });
  });
});

function never(): never {
  throw new TypeError("there is no such story");
}
